// SPDX-License-Identifier: MIT
// Whether a thread that has lost a race pauses: for a word, before it tries again (stand_back()); for a short_lock, before it sleeps.
#pragma once

namespace pollux::inline v0::detail {

/// Of this thread. A worker sets what its runtime's heuristics say.
extern constinit thread_local bool stands_back [[gnu::tls_model("initial-exec")]];

}  // namespace pollux::inline v0::detail

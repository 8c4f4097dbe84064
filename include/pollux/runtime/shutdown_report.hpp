// SPDX-License-Identifier: MIT
// What the end of a runtime has met.
#pragma once

#include <cstddef>

namespace pollux::inline v0 {

/// The answer of shutdown().
struct shutdown_report {
    std::size_t cancelled = 0;  ///< tasks that had not finished, and were destroyed
    std::size_t stuck =
        0;  ///< jobs of offload and blocking, and operations of io_uring, that had not ended when the grace was over
};

}  // namespace pollux::inline v0

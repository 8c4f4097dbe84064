// SPDX-License-Identifier: MIT
// The policy of the scheduler's queues, counting: see ../pollux/core/sync_policy.hpp. No simulation runs over it.
#pragma once

#include "core/platform.hpp"
#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

using switching_sync = std_sync;

}  // namespace pollux::inline v0::detail

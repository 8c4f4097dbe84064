// SPDX-License-Identifier: MIT
// Out of line, so that what the time is stays the library's business.
#include "pollux/time/clock.hpp"

#include "core/platform.hpp"

namespace pollux::inline v0 {

clock::time_point clock::now() noexcept {
    return time_point(std::chrono::duration_cast<duration>(detail::steady_now().time_since_epoch()));
}

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>

namespace pollux::inline v0::detail {

/// The system call again while a signal interrupts it.
template <class Call>
auto uninterrupted(Call call) noexcept {
    for (;;) {
        const auto answer = call();
        if (answer >= 0 || errno != EINTR) return answer;
    }
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// How the calls of a ring_socket answer, and what the kernel's answers mean. Used by its two sources.
#pragma once

#include <cerrno>
#include <utility>

namespace pollux::inline v0::detail {

inline int would_block() noexcept {
    errno = EAGAIN;
    return -1;
}

inline int failed(int& error) noexcept {
    errno = std::exchange(error, 0);
    return -1;
}

// Ended without having been done: when the thread ends that has submitted it, the kernel cancels it.
inline bool is_to_be_repeated(int result) noexcept {
    return result == -ECANCELED || result == -EINTR || result == -EAGAIN;
}

}  // namespace pollux::inline v0::detail

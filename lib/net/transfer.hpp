// SPDX-License-Identifier: MIT
// recv and send. As libc has them they are cancellation points, which the threads of a runtime are not: that was 94 of the 875
// instructions of an echo.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

#include "pollux/io/span.hpp"

// Sanitizers look into libc's: thread sanitizer learns from it that who receives comes after who has sent.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POLLUX_SANITIZED_TRANSFER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define POLLUX_SANITIZED_TRANSFER 1
#endif
#endif

namespace pollux::inline v0::net::detail {

inline std::ptrdiff_t receive(int descriptor, io::span to, int flags) noexcept {
#if defined(POLLUX_SANITIZED_TRANSFER) || !defined(SYS_recvfrom)
    return ::recv(descriptor, to.data(), to.size(), flags);
#else
    return ::syscall(SYS_recvfrom, descriptor, to.data(), to.size(), flags, nullptr, nullptr);
#endif
}

/// SIGPIPE is never raised.
inline std::ptrdiff_t transmit(int descriptor, io::const_span bytes, int flags = 0) noexcept {
#if defined(POLLUX_SANITIZED_TRANSFER) || !defined(SYS_sendto)
    return ::send(descriptor, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
#else
    return ::syscall(SYS_sendto, descriptor, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL, nullptr, 0);
#endif
}

}  // namespace pollux::inline v0::net::detail

// SPDX-License-Identifier: MIT
// recv and send. As libc has them they are cancellation points, which the threads of a runtime are not: that was 94 of the 875
// instructions of an echo, and its syscall() 31 of the 711 that were left.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
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

// With zeros for an address. Less than 0: see errno.
inline std::ptrdiff_t transfer_call(long number, int descriptor, const void* bytes, std::size_t size,
                                    int flags) noexcept {
#if defined(__x86_64__)
    // Not const: of those g++ takes the value only, and puts it into any register.
    register long fourth asm("r10") = flags;
    register long fifth asm("r8") = 0;
    register long sixth asm("r9") = 0;
    long answer = number;
    asm volatile("syscall"
                 : "+a"(answer)
                 : "D"(long{descriptor}), "S"(bytes), "d"(size), "r"(fourth), "r"(fifth), "r"(sixth)
                 : "rcx", "r11", "memory");
    if (answer >= 0) [[likely]]
        return answer;
    errno = static_cast<int>(-answer);
    return -1;
#else
    return ::syscall(number, descriptor, bytes, size, flags, nullptr, 0);
#endif
}

inline std::ptrdiff_t receive(int descriptor, io::span to, int flags) noexcept {
#if defined(POLLUX_SANITIZED_TRANSFER) || !defined(SYS_recvfrom)
    return ::recv(descriptor, to.data(), to.size(), flags);
#else
    return transfer_call(SYS_recvfrom, descriptor, to.data(), to.size(), flags);
#endif
}

/// SIGPIPE is never raised.
inline std::ptrdiff_t transmit(int descriptor, io::const_span bytes, int flags = 0) noexcept {
#if defined(POLLUX_SANITIZED_TRANSFER) || !defined(SYS_sendto)
    return ::send(descriptor, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
#else
    return transfer_call(SYS_sendto, descriptor, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
#endif
}

}  // namespace pollux::inline v0::net::detail

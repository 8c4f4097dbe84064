// SPDX-License-Identifier: MIT
#include "pollux/process/pipe.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace pollux::inline v0::process {

namespace {

// send() has a flag for it; a pipe has none. So SIGPIPE is blocked meanwhile, on workers always, and taken out again if it has come. One
// that was pending before is taken with it: they are one.
::ssize_t write_without_signal(int fd, io::const_span bytes) noexcept {
    sigset_t broken_pipe, before;
    ::sigemptyset(&broken_pipe);
    ::sigaddset(&broken_pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    const ::ssize_t n = ::write(fd, bytes.data(), bytes.size());
    const int error = errno;
    if (n < 0 && error == EPIPE) {
        const std::timespec at_once = {};
        while (::sigtimedwait(&broken_pipe, nullptr, &at_once) < 0 && errno == EINTR) {}
    }
    if (::sigismember(&before, SIGPIPE) == 0) ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return n;
}

std::expected<std::size_t, std::error_code> count_of(::ssize_t n) noexcept {
    if (n >= 0) return static_cast<std::size_t>(n);
    return std::unexpected(std::error_code(errno, std::system_category()));
}

constexpr const char* moved_from = "pollux: process: a pipe was used after it was moved from; use the one it went to";

}  // namespace

polled<std::size_t, std::error_code> pipe_reader::poll_read(context& cx, io::span to) {
    if (to.empty()) return 0;
    // 0: a child may have made it a pipe of packets, each of which ends a read.
    return pipe_.poll_io(cx, net::direction::read, 0, [&](int fd) { return ::read(fd, to.data(), to.size()); });
}

std::expected<std::size_t, std::error_code> pipe_reader::try_read(io::span to) noexcept {
    pollux::detail::debug_check(pipe_.is_open(), moved_from);
    return count_of(::read(pipe_.descriptor(), to.data(), to.size()));
}

polled<std::size_t, std::error_code> pipe_writer::poll_write(context& cx, io::const_span bytes) {
    if (!pipe_.is_open()) return std::unexpected(std::make_error_code(std::errc::broken_pipe));
    if (bytes.empty()) return 0;
    return pipe_.poll_io(cx, net::direction::write, bytes.size(),
                         [&](int fd) { return write_without_signal(fd, bytes); });
}

std::expected<std::size_t, std::error_code> pipe_writer::try_write(io::const_span bytes) noexcept {
    if (!pipe_.is_open()) return std::unexpected(std::make_error_code(std::errc::broken_pipe));
    return count_of(write_without_signal(pipe_.descriptor(), bytes));
}

}  // namespace pollux::inline v0::process

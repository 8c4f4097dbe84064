// SPDX-License-Identifier: MIT
#include "io/system_calls.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <system_error>

namespace pollux::inline v0::io::detail {

namespace {

// The standard output is shared with other processes, any of which may have set O_NONBLOCK.
std::error_code wait_if_it_would_block(int fd) noexcept {
    const std::error_code why = last_error();
    if (why != std::errc::resource_unavailable_try_again) return why;  // EAGAIN
    ::pollfd waiting{fd, POLLOUT, 0};
    return uninterrupted([&] { return ::poll(&waiting, 1, -1); }) < 0 ? last_error() : std::error_code();
}

}  // namespace

std::error_code close_descriptor(int fd) noexcept {
    // Linux has closed it whatever the answer is: a second try could hit somebody else's.
    return ::close(fd) == 0 || errno == EINTR ? std::error_code() : last_error();
}

std::error_code read_some(int fd, span to, std::size_t& n) noexcept {
    const ::ssize_t got = uninterrupted([&] { return ::read(fd, to.data(), to.size()); });
    if (got < 0) return last_error();
    n = static_cast<std::size_t>(got);
    return {};
}

std::error_code read_input(int fd, span to, std::size_t& n) noexcept {
    const ::iovec part{to.data(), to.size()};
    const ::ssize_t got = uninterrupted([&] { return ::preadv2(fd, &part, 1, -1, RWF_NOWAIT); });
    if (got >= 0) {
        n = static_cast<std::size_t>(got);
        return {};
    }
    // A file that is not in memory yet is always input.
    struct ::stat about;
    const bool is_other_reader =
        errno == EAGAIN && ::fstat(fd, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode);
    if (is_other_reader) return std::make_error_code(std::errc::resource_unavailable_try_again);
    return read_some(fd, to, n);
}

std::error_code write_fully(int fd, const_span bytes) noexcept {
    while (!bytes.empty()) {
        const ::ssize_t written = uninterrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
        if (written > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        } else if (written == 0) {
            return std::make_error_code(std::errc::io_error);  // for ever, it would be
        } else if (const std::error_code why = wait_if_it_would_block(fd)) {
            return why;
        }
    }
    return {};
}

}  // namespace pollux::inline v0::io::detail

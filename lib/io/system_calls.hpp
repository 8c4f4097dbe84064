// SPDX-License-Identifier: MIT
// System calls on descriptors with their errors as std::error_code. Who calls them runs on a thread that may block.
#pragma once

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include "core/system_call.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io::detail {

inline std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

using pollux::detail::uninterrupted;

/// Closes it. An error says that what was written may not be where it belongs.
std::error_code close_descriptor(int fd) noexcept;

class owned_descriptor {
public:
    explicit owned_descriptor(int fd) noexcept : fd_(fd) {}
    owned_descriptor(owned_descriptor&& other) noexcept : fd_(other.release()) {}
    owned_descriptor& operator=(owned_descriptor&&) = delete;
    ~owned_descriptor() {
        if (fd_ >= 0) static_cast<void>(close_descriptor(fd_));
    }

    explicit operator bool() const noexcept { return fd_ >= 0; }
    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

/// Some bytes; 0: the end.
std::error_code read_some(int fd, span to, std::size_t& n) noexcept;
/// As read_some(), behind a wait for input. Errors: resource_unavailable_try_again: nothing any more, another reader was quicker. Of a
/// terminal that is not told: it blocks.
std::error_code read_input(int fd, span to, std::size_t& n) noexcept;
/// All bytes. Waits where the descriptor does not.
std::error_code write_fully(int fd, const_span bytes) noexcept;

}  // namespace pollux::inline v0::io::detail

// SPDX-License-Identifier: MIT
// What try_io runs knows its descriptor.
// expect: pollux: async_fd::try_io: the callable takes arguments; give one that takes none
#include <expected>
#include <system_error>

#include "pollux/net.hpp"

void program() {
    pollux::net::async_fd fd(0);
    auto fut = fd.try_io(pollux::net::direction::read, [] { return std::expected<int, std::error_code>(1); });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto wrong = fd.try_io(pollux::net::direction::read, [](int) { return std::expected<int, std::error_code>(1); });
#endif
}

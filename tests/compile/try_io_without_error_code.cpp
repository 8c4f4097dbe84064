// SPDX-License-Identifier: MIT
// What try_io runs says whether it would block, and so has to be able to.
// expect: pollux: async_fd::try_io: the callable does not return std::expected<T, std::error_code>; that is how it says that it would block
#include <expected>
#include <system_error>

#include "pollux/net.hpp"

void program() {
    pollux::net::async_fd fd(0);
    auto fut = fd.try_io(pollux::net::direction::read, [] { return std::expected<int, std::error_code>(1); });
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto wrong = fd.try_io(pollux::net::direction::read, [] { return 1; });
#endif
}

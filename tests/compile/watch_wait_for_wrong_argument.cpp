// SPDX-License-Identifier: MIT
// What wait_for asks takes the value of the channel.
// expect: pollux: watch: wait_for: the callable does not take the value; it is called with a const T& and returns a bool
#include <string>

#include "pollux/sync.hpp"

void program() {
    auto [tx, rx] = pollux::sync::watch::channel<int>(1);
    const auto good = rx.wait_for([](int n) { return n == 1; });
#if defined(MUST_NOT_COMPILE)
    const auto bad = rx.wait_for([](const std::string&) { return true; });
#endif
}

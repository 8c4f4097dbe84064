// SPDX-License-Identifier: MIT
// expect: pollux: timeout: the limit is a number without a unit; it is a std::chrono::duration
#include <chrono>

#include "pollux/core/block_on.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/time.hpp"

int main() {
    static_cast<void>(pollux::timeout(pollux::ready(1), std::chrono::seconds(5)));
#if defined(MUST_NOT_COMPILE)
    auto limited = pollux::timeout(pollux::ready(1), 5);
    static_cast<void>(pollux::block_on(limited));
#endif
}

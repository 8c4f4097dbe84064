// SPDX-License-Identifier: MIT
// expect: pollux: throttle: the pause is a number without a unit; it is a std::chrono::duration
#include <chrono>

#include "pollux/stream/repeat.hpp"
#include "pollux/time.hpp"

int main() {
    static_cast<void>(pollux::repeat(1) | pollux::throttle(std::chrono::seconds(5)));
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(pollux::repeat(1) | pollux::throttle(5));
#endif
}

// SPDX-License-Identifier: MIT
// expect: pollux: timeout: the first argument is not a future; it needs value_type, error_type and poll(context&)
#include <chrono>

#include "pollux/time.hpp"

int main() {
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(pollux::timeout(1, std::chrono::seconds(1)));
#endif
}

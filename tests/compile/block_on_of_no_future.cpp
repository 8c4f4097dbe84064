// SPDX-License-Identifier: MIT
// What is waited for is a future, or a callable that returns one.
// expect: pollux: block_on: the argument is neither a future nor a callable without arguments
// expect: pollux: the type has no member type error_type
#include "pollux/core.hpp"

struct half_a_future {
    using value_type = int;
    pollux::polled<int> poll(pollux::context&) { return 1; }
};

void program() {
    static_cast<void>(pollux::block_on([] { return 1; }));
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(pollux::block_on(half_a_future()));
#endif
}

// SPDX-License-Identifier: MIT
// The message says which part of a future a type lacks.
// expect: pollux: and_then: the first argument is not a future; it needs value_type, error_type and poll(context&)
// expect: pollux: the type has no member type error_type; use never if it cannot fail
#include "pollux/future.hpp"

struct almost_a_future {
    using value_type = int;
#if !defined(MUST_NOT_COMPILE)
    using error_type = pollux::never;
#endif
    pollux::polled<int> poll(pollux::context&) { return 1; }
};

void program() {
    auto fut = pollux::and_then(almost_a_future{}, [](int n) { return pollux::ready(n); });
    static_cast<void>(fut);
}

// SPDX-License-Identifier: MIT
// A poll returns exactly the polled of the two named types.
// expect: pollux: join: an argument is not a future; it needs value_type, error_type and poll(context&)
// expect: pollux: the type has no poll(context&) that returns exactly polled<value_type, error_type>
#include "pollux/future.hpp"

#if defined(MUST_NOT_COMPILE)
using answer = pollux::polled<long>;
#else
using answer = pollux::polled<int>;
#endif

struct almost_a_future {
    using value_type = int;
    using error_type = pollux::never;
    answer poll(pollux::context&) { return 1; }
};

void program() {
    auto fut = pollux::join(pollux::ready(), almost_a_future{});
    static_cast<void>(fut);
}

// SPDX-License-Identifier: MIT
// What runs until a token is cancelled is a future.
// expect: pollux: run_until_cancelled: the argument is not a future; it needs value_type, error_type and
#include "pollux/runtime.hpp"

void program() {
    auto fut = pollux::cancellation_token().run_until_cancelled(pollux::yield_now());
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::cancellation_token().run_until_cancelled(1);
#endif
}

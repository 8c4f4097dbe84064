// SPDX-License-Identifier: MIT
// The scope of a task_local is put around a future.
// expect: pollux: task_local::scope: the second argument is not a future; it needs value_type, error_type
#include "pollux/runtime.hpp"

pollux::task_local<int> key;
void program() {
    auto fut = key.scope(1, pollux::yield_now());
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = key.scope(1, [] { return 2; });
#endif
}

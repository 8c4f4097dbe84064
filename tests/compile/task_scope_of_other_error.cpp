// SPDX-License-Identifier: MIT
// What the callable of a task_scope returns fails with what converts to the scope's error, or cannot fail.
// expect: pollux: task_scope: the error type of what the callable returns does not convert to the scope's; name one for both, task_scope<E>(fn), or map_err it
#include "pollux/future.hpp"
#include "pollux/runtime.hpp"

void program() {
    auto fn = [](auto&) { return pollux::fail<int>(5L); };
    static_cast<void>(pollux::task_scope<long>(fn));
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(pollux::task_scope(fn));
#endif
}

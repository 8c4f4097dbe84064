// SPDX-License-Identifier: MIT
// The callable of a task_scope takes the scope of the error type that is named, never if none is.
// expect: pollux: task_scope: the argument is not a callable that takes a scope<E>&; E is never unless it is named, task_scope<E>(fn)
#include "pollux/runtime.hpp"

void program() {
    auto fn = [](pollux::scope<int>&) {};
    static_cast<void>(pollux::task_scope<int>(fn));
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(pollux::task_scope(fn));
#endif
}

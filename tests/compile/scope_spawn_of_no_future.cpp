// SPDX-License-Identifier: MIT
// A child of a task_scope is a future or a callable without arguments.
// expect: pollux: scope::spawn: the argument is neither a future nor a callable without arguments
#include "pollux/runtime.hpp"

void program(pollux::scope<>& s) {
    s.spawn([] {});
#if defined(MUST_NOT_COMPILE)
    s.spawn(5);
#endif
}

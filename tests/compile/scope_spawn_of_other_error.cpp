// SPDX-License-Identifier: MIT
// A child of a task_scope fails with what converts to the scope's error, or cannot fail.
// expect: pollux: scope::spawn: the child's error type does not convert to the scope's; name one for both, task_scope<E>(fn), or map_err it
#include <string>

#include "pollux/future.hpp"
#include "pollux/runtime.hpp"

void program(pollux::scope<>& cannot_fail, pollux::scope<std::string>& fails) {
    fails.spawn(pollux::fail<int>("an error"));
    cannot_fail.spawn(pollux::ready(1));
#if defined(MUST_NOT_COMPILE)
    cannot_fail.spawn(pollux::fail<int>("an error"));
#endif
}

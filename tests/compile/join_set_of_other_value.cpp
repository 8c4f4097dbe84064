// SPDX-License-Identifier: MIT
// The tasks of a join_set have its value type, or cannot have a value.
// expect: pollux: join_set::spawn: the task's value type is not the set's; map it to that, or give the set another type
#include "pollux/future.hpp"
#include "pollux/runtime.hpp"

void program(const pollux::runtime_handle& handle) {
    pollux::join_set<long> set;
    set.spawn(pollux::ready(1L), handle);
#if defined(MUST_NOT_COMPILE)
    set.spawn(pollux::ready(1), handle);
#endif
}

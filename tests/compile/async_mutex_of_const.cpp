// SPDX-License-Identifier: MIT
// What nobody may change needs no lock.
// expect: pollux: async_mutex: the value is not an object that can change
#include "pollux/core.hpp"
#include "pollux/sync.hpp"

int program() {
#if defined(MUST_NOT_COMPILE)
    pollux::sync::async_mutex<const int> fixed(3);
#endif
    pollux::sync::async_mutex<int> mutex(3);
    return *pollux::block_on(mutex.lock());
}

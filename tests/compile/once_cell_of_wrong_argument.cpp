// SPDX-License-Identifier: MIT
// An initializer is called with nothing.
// expect: pollux: once_cell::get_or_init: the callable takes arguments
#include "pollux/core.hpp"
#include "pollux/sync.hpp"

int program() {
    pollux::sync::once_cell<int> cell;
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(cell.get_or_init([](int n) { return n; }));
#endif
    return *pollux::block_on(cell.get_or_init([] { return 3; }));
}

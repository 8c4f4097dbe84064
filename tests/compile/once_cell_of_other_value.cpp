// SPDX-License-Identifier: MIT
// What the initializer gives becomes the value of the cell.
// expect: pollux: once_cell::get_or_init: no value of the cell can be made from what the callable returns
#include <string>

#include "pollux/core.hpp"
#include "pollux/sync.hpp"

int program() {
    pollux::sync::once_cell<int> cell;
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(cell.get_or_init([] { return std::string("3"); }));
#endif
    return *pollux::block_on(cell.get_or_init([] { return 3; }));
}

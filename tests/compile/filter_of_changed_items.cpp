// SPDX-License-Identifier: MIT
// A predicate sees the item and does not change it.
// expect: pollux: filter: the callable does not take the item; it is called with a const value_type&
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto source = pollux::iter({1}) | pollux::filter([](const int& n) { return n != 0; });
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::filter([](int& n) { return ++n != 0; });
#endif
}

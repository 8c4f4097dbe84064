// SPDX-License-Identifier: MIT
// What is lent outlives the loan.
// expect: deleted
#include "pollux/future.hpp"

void program() {
    auto fut = pollux::ready(1);
    auto lent = pollux::by_ref(fut);
    static_cast<void>(lent);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::by_ref(pollux::ready(1));
#endif
}

// SPDX-License-Identifier: MIT
// A context for a child refers to its waker as any does, so it is not made from one that dies at once, const or not.
// expect: deleted
#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"

const pollux::waker make();

void poll_child(pollux::context& cx) {
    const pollux::waker waker = make();
    static_cast<void>(cx.with_waker(waker));
#if defined(MUST_NOT_COMPILE)
    static_cast<void>(cx.with_waker(make()));
#endif
}

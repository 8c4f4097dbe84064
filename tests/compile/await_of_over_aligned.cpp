// SPDX-License-Identifier: MIT
// A frame holds the answer of what is awaited, and no compiler aligns it for more than the allocator does.
// expect: pollux: co_await: an over-aligned future, value or error does not fit into a coroutine frame; put it behind boxed()
#include <memory>

#include "pollux/coro.hpp"
#include "pollux/future.hpp"

struct alignas(64) wide {
    float numbers[16];
};

pollux::task<> program() {
    auto held = co_await pollux::ready(std::make_unique<wide>());
    static_cast<void>(held);
#if defined(MUST_NOT_COMPILE)
    auto bad = co_await pollux::ready(wide());
#endif
}

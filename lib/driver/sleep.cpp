// SPDX-License-Identifier: MIT
#include "pollux/time/sleep.hpp"

#include <memory>
#include <new>
#include <utility>

#include "pollux/core/execution.hpp"
#include "pollux/runtime/errors.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/sleep_heap.hpp"

namespace pollux::inline v0 {

struct sleep::armed {
    std::shared_ptr<detail::sleep_heap> heap;
    detail::sleep_entry entry;
};

sleep::armed& sleep::entry() noexcept {
    static_assert(sizeof(armed) <= sizeof armed_ && alignof(armed) <= alignof(void*));
    return *std::launder(reinterpret_cast<armed*>(armed_));
}

sleep::sleep(sleep&& other) noexcept
    : after_(other.after_), deadline_(other.deadline_), has_deadline_(other.has_deadline_) {
    if (other.is_armed_)
        detail::fail_check("pollux: sleep: moved after its first poll; move a future before it is polled");
}

sleep::~sleep() {
    if (!is_armed_) return;
    entry().heap->disarm(entry().entry);
    entry().~armed();
}

polled<> sleep::poll(context& cx) {
    using detail::sleep_state;
    if (is_armed_) {
        const sleep_state state = entry().heap->poll(entry().entry, cx.waker());
        if (state == sleep_state::armed) return pending;
        if (state == sleep_state::cancelled) throw task_cancelled();
        return cx.consume_budget() ? polled<>::ready() : polled<>(pending);
    }
    detail::runtime_core* const core = cx.runtime() != nullptr ? cx.runtime() : detail::current_runtime();
    if (core == nullptr)
        throw no_runtime("pollux: sleep: no runtime on this thread; poll it inside a task or runtime::block_on");
    const instant now = clock::now();
    if (!has_deadline_) {
        has_deadline_ = true;
        deadline_ = after_ >= instant::max() - now ? instant::max() : now + after_;
    }
    if (deadline_ <= now) return cx.consume_budget() ? polled<>::ready() : polled<>(pending);
    unsigned index = 0;
    const std::shared_ptr<detail::sleep_heap>& heap = core->heap_for_this_thread(index);
    ::new (static_cast<void*>(armed_)) armed{heap, {}};
    is_armed_ = true;
    entry().entry.deadline = std::chrono::steady_clock::time_point(deadline_.time_since_epoch());
    if (entry().heap->arm(entry().entry, cx.waker())) core->heap_has_earlier(index);
    return pending;
}

}  // namespace pollux::inline v0

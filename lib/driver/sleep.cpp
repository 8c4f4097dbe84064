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
    static_assert(sizeof(armed) <= sizeof entry_ && alignof(armed) <= alignof(void*));
    return *std::launder(reinterpret_cast<armed*>(entry_));
}

namespace {

std::chrono::steady_clock::time_point steady(instant when) noexcept {
    return std::chrono::steady_clock::time_point(when.time_since_epoch());
}

}  // namespace

sleep::sleep(sleep&& other) noexcept
    : after_(other.after_), deadline_(other.deadline_), has_deadline_(other.has_deadline_) {
    if (other.has_entry_)
        detail::fail_check("pollux: sleep: moved after its first poll; move a future before it is polled");
}

sleep::~sleep() {
    if (!has_entry_) return;
    entry().heap->disarm(entry().entry);
    entry().~armed();
}

instant sleep::deadline() const noexcept { return has_deadline_ ? deadline_ : detail::later(clock::now(), after_); }

void sleep::reset(instant deadline) noexcept {
    has_deadline_ = true;
    deadline_ = deadline;
    if (!has_entry_ || steady(deadline) >= entry().entry.deadline) return;
    // It would fire too late. The next poll arms it again.
    if (entry().heap->disarm(entry().entry)) std::exchange(entry().entry.to_wake, waker()).wake();
}

polled<> sleep::poll(context& cx) {
    using detail::sleep_state;
    if (has_entry_) {
        const sleep_state state = entry().heap->poll(entry().entry, cx.waker());
        if (state == sleep_state::armed) return pending;
        if (state == sleep_state::cancelled) throw task_cancelled();
    }
    const instant now = clock::now();
    if (!has_deadline_) {
        has_deadline_ = true;
        deadline_ = detail::later(now, after_);
    }
    const bool is_due = deadline_ <= now;
    detail::runtime_core* const core = cx.runtime() != nullptr ? cx.runtime() : detail::current_runtime();
    if (core == nullptr && !(is_due && has_entry_))
        throw no_runtime("pollux: sleep: no runtime on this thread; poll it inside a task or runtime::block_on");
    if (is_due) return cx.consume_budget() ? polled<>::ready() : polled<>(pending);
    // For the first time, or again: it has been brought forward, or it has fired at a deadline that had been put off.
    unsigned index = 0;
    const std::shared_ptr<detail::sleep_heap>& heap = core->heap_for_this_thread(index);
    if (has_entry_)
        entry().heap = heap;
    else
        ::new (static_cast<void*>(entry_)) armed{heap, {}};
    has_entry_ = true;
    entry().entry.deadline = steady(deadline_);
    if (entry().heap->arm(entry().entry, cx.waker())) core->heap_has_earlier(index);
    return pending;
}

}  // namespace pollux::inline v0

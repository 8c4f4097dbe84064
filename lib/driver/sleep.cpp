// SPDX-License-Identifier: MIT
#include "pollux/time/sleep.hpp"

#include <new>
#include <type_traits>

#include "pollux/core/execution.hpp"
#include "pollux/runtime/errors.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/sleep_wheel.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0 {

detail::sleep_entry& sleep::entry() noexcept {
    static_assert(sizeof(detail::sleep_entry) <= sizeof entry_ && alignof(detail::sleep_entry) <= alignof(void*));
    return *std::launder(reinterpret_cast<detail::sleep_entry*>(entry_));
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
    static_assert(std::is_trivially_destructible_v<detail::sleep_entry>);
    if (has_entry_) detail::sleep_wheel::leave(entry());
}

void sleep::leave() noexcept {
    has_entry_ = false;
    detail::sleep_wheel::leave(entry());
}

instant sleep::deadline() const noexcept { return has_deadline_ ? deadline_ : detail::later(clock::now(), after_); }

void sleep::reset(instant deadline) noexcept {
    has_deadline_ = true;
    deadline_ = deadline;
    if (!has_entry_ || steady(deadline) >= entry().deadline) return;
    // It would fire too late. The next poll arms it again.
    detail::sleep_wheel::disarm(entry()).wake();
}

polled<> sleep::poll(context& cx) {
    using detail::sleep_state;
    if (has_entry_) {
        const sleep_state state = detail::sleep_wheel::poll(entry(), cx.waker());
        if (state == sleep_state::armed) return pending;
        if (state == sleep_state::cancelled) throw task_cancelled();
    }
    const instant now(detail::steady_now().time_since_epoch());
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
    detail::worker* const mine = detail::this_worker();
    detail::sleep_wheel& wheel = mine != nullptr && &mine->core() == core ? mine->wheel() : core->wheel_for_visitor();
    if (has_entry_) leave();
    ::new (static_cast<void*>(entry_)) detail::sleep_entry;
    const bool is_earlier = wheel.arm(entry(), steady(deadline_), cx.waker());
    has_entry_ = true;
    if (is_earlier) [[unlikely]]
        core->wheel_has_earlier(wheel);
    return pending;
}

}  // namespace pollux::inline v0

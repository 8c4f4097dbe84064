// SPDX-License-Identifier: MIT
// See retry_timer.hpp.
#include "offload/retry_timer.hpp"

#include "core/platform.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::detail {

// Its wakers count nothing: the wheel's is gone before the runtime's threads are.
const waker_table retry_timer::table = {
    .clone = [](void*) noexcept {},
    .wake = &retry_timer::wake,
    .wake_and_drop = &retry_timer::wake,
    .drop = [](void*) noexcept {},
    .identity = [](const void* self) noexcept { return self; },
};

void retry_timer::wake(void* self) noexcept {
    auto& mine = *static_cast<retry_timer*>(self);
    {
        // An entry that stays would have its worker look at the clock for ever.
        const std::lock_guard guard(mine.lock_);
        sleep_wheel::leave(*mine.entry_);
        mine.entry_.reset();
    }
    mine.call_(mine.of_);
}

retry_timer::~retry_timer() {
    if (entry_.has_value()) sleep_wheel::leave(*entry_);
}

void retry_timer::arm(std::chrono::nanoseconds pause) noexcept {
    const waker to_wake(this, &table);
    const std::lock_guard guard(lock_);
    entry_.emplace();
    sleep_wheel& wheel = core_.wheel_for_visitor();
    try {
        if (wheel.arm(*entry_, steady_now() + pause, to_wake)) core_.wheel_has_earlier(wheel);
    } catch (const task_cancelled&) {
        entry_.reset();  // it has not got into the wheel
    }
}

}  // namespace pollux::inline v0::detail

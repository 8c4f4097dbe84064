// SPDX-License-Identifier: MIT
// What a worker does for those who look after it: it steps aside for block_in_place, tells the watchdog that it is awake, and gives
// tasks up where the watchdog may be reading them. See watchdog.hpp, poll_gate.hpp, stand_ins.hpp.
#include <chrono>

#include "core/platform.hpp"
#include "scheduler/poll_report.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

constinit thread_local waited_for_thread waits_for_us;

void worker::step_aside() noexcept {
    // Where thieves see it.
    if (runnable* const item = slot_.take()) push_back(*item);
    submit();
    waits_for_us.in_poll_of = &core_;
    set_stamp(asleep_stamp);  // it is not stuck
    core_.substitutes().take_over(*this, absence::in_place);
}

void worker::come_back() noexcept {
    waits_for_us.in_poll_of = nullptr;
    be_awake(ticks_now() + slice_ticks_);  // as if its poll began here
    core_.substitutes().give_back(*this, absence::in_place);
}

void worker::be_awake(std::uint64_t stamp) noexcept {
    set_stamp(stamp);
    core_.watch().has_to_look(asymmetric_fences);
}

bool worker::join_with_others(fork_point& point, bool as_holder) noexcept {
    task_header* const joined = point.task;
    show_own_wake();
    set_task(nullptr);
    if (!gate_.is_open()) pass_gate();
    if (!point.join(as_holder ? join_role::holder : join_role::child)) return false;
    set_task(joined);
    return true;
}

void worker::pass_gate() noexcept {
    gate_.wait_until_open([] { wait_a_turn(); });  // the watchdog is writing a line, at most
}

void worker::end_reported_poll(promise_base* waiting) noexcept {
    pass_gate();
    // Relaxed, both: the mark shows them.
    if (!gate_.take_mark() || reported_stamp_.load(std::memory_order::relaxed) != budget_.deadline) return;
    const auto age = since(budget_.deadline, ticks_now());
    report_end_of_poll(task_id{reported_id_.load(std::memory_order::relaxed)}, age, waiting);
}

std::chrono::nanoseconds worker::since(std::uint64_t stamp, std::uint64_t now) const noexcept {
    // Signed: processors' clocks may differ a little. Floating: the product would overflow after an hour.
    const auto ticks = static_cast<std::int64_t>(now - (stamp - slice_ticks_));
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(ticks) * 1e6 / static_cast<double>(ticks_per_ms_)));
}

}  // namespace pollux::inline v0::detail

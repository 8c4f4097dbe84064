// SPDX-License-Identifier: MIT
// The way of a task, or of a wake-up, from a thread that is no worker of this runtime: a visitor, see runtime_core.hpp. Called by spawn and
// by wakers; calls the census, the injection queue and the idle set.
#include "scheduler/runtime_core.hpp"
#include "scheduler/thread_hooks.hpp"

namespace pollux::inline v0::detail {

// Inlined into both ways: as three calls it took 60 instructions more.
[[gnu::always_inline]] inline void runtime_core::push_from_outside(runnable& item, unsigned spread) noexcept {
    visitor_count& visit = visitors_[spread % visitor_counts];
    // Relaxed: the push publishes it, and the end of the runtime comes after the pop.
    visit.entered.fetch_add(1, std::memory_order::relaxed);
    injection_.push(&item, spread);
    if (idle_.may_wake_after_push()) [[unlikely]]
        wake_for_push();
    visit.left.fetch_add(1, std::memory_order::release);  // pairs with wait_for_visitors()
}

void runtime_core::wake_for_push() noexcept {
    if (const auto sleeper = idle_.after_fork_push()) unpark(*sleeper);
}

[[gnu::always_inline]] inline bool runtime_core::accept_from_outside(unsigned spread) noexcept {
    if (is_in_child()) [[unlikely]]
        return false;
    const spawn_answer answer = census_.spawned_elsewhere(spread);
    if (answer == spawn_answer::refused_and_all_ended) [[unlikely]]
        all_tasks_have_ended();
    return answer == spawn_answer::accepted;
}

bool runtime_core::start_from_outside(task_header& task) noexcept {
    const unsigned spread = spreading_number();
    if (!accept_from_outside(spread)) [[unlikely]]
        return false;
    push_from_outside(task, spread);
    return true;
}

// On a worker.
bool runtime_core::start_outside_task(task_header& task) noexcept {
    if (!accept_from_outside(spreading_number())) return false;
    schedule_any(task);
    return true;
}

void runtime_core::schedule_from_outside(runnable& item) noexcept { push_from_outside(item, spreading_number()); }

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
#include "scheduler/watchdog.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/platform.hpp"
#include "scheduler/poll_report.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/thread_hooks.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

using steady = std::chrono::steady_clock;

// Between two looks: the others wait at most for twice that, a millisecond and a wake-up of a thread, behind a poll that blocks as behind
// one that computes.
constexpr auto longest_period = std::chrono::milliseconds(5);
// A shorter limit than twice that is not kept to.
constexpr auto shortest_period = std::chrono::milliseconds(1);
// A worker is stuck in a poll that has lasted so long. Much longer than a slice: polls of more than that are mistakes, or meant to
// be in blocking or offload.
constexpr auto stuck_after = std::chrono::milliseconds(5);
// From then on its CPU time is noted, so that the next look knows what it did meanwhile: most polls are over long before.
constexpr auto noted_after = std::chrono::milliseconds(1);
// What a worker that computes has run for since it was first seen there; half of what passes between two looks.
constexpr auto enough_cpu_time = std::chrono::microseconds(2500);
// What all workers have slept before the watchdog does. Shorter would mean more wake-ups of it in a runtime with little to do.
constexpr auto rest_after = std::chrono::seconds(1);

}  // namespace

void watchdog::start() {
    thread_ = core_.start_thread([this]() noexcept {
        name_this_thread(core_.options().name, "watch");
        run();
    });
}

void watchdog::stop() noexcept {
    should_stop_.store(true, std::memory_order::relaxed);  // the token publishes it
    parker_.unpark();
    if (thread_.joinable()) thread_.join();
}

void watchdog::run() noexcept {
    const auto half = std::chrono::duration_cast<std::chrono::nanoseconds>(core_.options().watchdog_limit) / 2;
    const auto period = std::clamp<std::chrono::nanoseconds>(half, shortest_period, longest_period);
    auto busy_until = steady::now();
    while (!should_stop_.load(std::memory_order::relaxed)) {  // published by the token
        look();
        const auto now = steady::now();
        if (!sees_only_sleepers() || core_.substitutes().has_missing())
            busy_until = now;
        else if (now - busy_until >= rest_after) {
            sleep();
            busy_until = steady::now();
            continue;
        }
        parker_.park_until(now + period);
    }
}

bool watchdog::sees_only_sleepers() const noexcept {
    return std::ranges::all_of(core_.workers(), [](const auto& each) { return each->stamp() == asleep_stamp; });
}

void watchdog::sleep() noexcept {
    is_asleep_.store(true, std::memory_order::relaxed);  // (a); ordered by the fence
    if (core_.idle().is_asymmetric())
        std_sync::heavy_fence();  // (b); pairs with the light fence in has_to_look()
    else
        std_sync::full_fence();  // (b); pairs with the full fence there
    // (c) re-check: who has woken before the fence is seen, and who is missed.
    const bool may_sleep = sees_only_sleepers() && !core_.substitutes().has_missing();
    while (may_sleep && is_asleep_.load(std::memory_order::relaxed) && !should_stop_.load(std::memory_order::relaxed))
        parker_.park();
    is_asleep_.store(false, std::memory_order::relaxed);  // a token that is on its way is spurious
}

void watchdog::look() noexcept {
    const std::uint64_t now = ticks_now();
    for (const auto& each : core_.workers()) look_at(*each, now);
    // Not before: the worker finds its mark on that way.
    if (looks_closely_ &&
        std::ranges::none_of(core_.workers(), [](const auto& each) { return each->gate_.has_mark(); })) {
        looks_closely_ = false;
        core_.census().look_closely(false);
    }
    if (core_.substitutes().has_missing()) core_.substitutes().try_again();
}

void watchdog::look_at(worker& each, std::uint64_t now) noexcept {
    const std::uint64_t stamp = each.stamp();
    auto& taken_over = each.watched_.taken_over;
    if (taken_over != asleep_stamp && taken_over != stamp) {
        core_.substitutes().give_back(each, absence::stuck);
        taken_over = asleep_stamp;
    }
    if (stamp <= awake_stamp) return;
    const auto age = each.since(stamp, now);
    if (age >= stuck_after)
        stand_in_for(each, stamp);
    else if (age >= noted_after)
        static_cast<void>(cpu_time_since_noted(each, stamp));
    // One that has only waited for a processor so far is the machine's fault.
    const bool is_its_own_fault = age < stuck_after || taken_over == stamp;
    if (age >= core_.options().watchdog_limit && is_its_own_fault && each.watched_.over_limit != stamp) {
        each.watched_.over_limit = stamp;
        report(each, stamp);
    }
}

void watchdog::stand_in_for(worker& stuck, std::uint64_t stamp) noexcept {
    if (stuck.watched_.taken_over == asleep_stamp) {
        if (only_waits_for_cpu(stuck, stamp)) return;
        stuck.watched_.taken_over = stamp;
        core_.substitutes().take_over(stuck, absence::stuck);
    }
    // A push to the next slot wakes nobody, and its worker does not come to it.
    if (runnable* const item = stuck.steal_slot(0)) core_.schedule_any(*item);
}

void watchdog::report(worker& each, std::uint64_t stamp) noexcept {
    const runtime_options& options = core_.options();
    std::optional<long_poll> found;
    core_.census().look_closely(true);
    each.gate_.shut();
    // The task first: see worker::begin_task().
    const task_header* const polled = each.polled();
    const bool still_runs = polled != nullptr && each.stamp() == stamp;
    if (still_runs && limit_.admits(steady::now())) {
        const task_identity whose = polled->identity();
        found = {whose.id, whose.spawned_at, each.since(stamp, ticks_now())};
        // Here, so that the worker's lines about the end come behind it.
        if (!options.on_long_poll) {
            print_long_poll(*found, limit_.take_left_out());
            // Relaxed, both: the mark publishes them.
            each.reported_stamp_.store(stamp, std::memory_order::relaxed);
            each.reported_id_.store(whose.id.value, std::memory_order::relaxed);
            each.gate_.leave_mark();
        }
    }
    each.gate_.open();
    looks_closely_ = true;
    if (found && options.on_long_poll) run_hook([&] { options.on_long_poll(*found); }, "on_long_poll");
}

// Where it neither waits for anything nor has run for much of the time since the last look.
bool watchdog::only_waits_for_cpu(worker& each, std::uint64_t stamp) noexcept {
    if (each.probe_.is_blocked()) return false;
    return cpu_time_since_noted(each, stamp) < enough_cpu_time;
}

// Zero the first time.
std::chrono::nanoseconds watchdog::cpu_time_since_noted(worker& each, std::uint64_t stamp) noexcept {
    const auto cpu_time = each.probe_.cpu_time();
    auto& notes = each.watched_;
    if (std::exchange(notes.seen, stamp) != stamp) notes.cpu_time_then = cpu_time;
    return cpu_time - notes.cpu_time_then;
}

}  // namespace pollux::inline v0::detail

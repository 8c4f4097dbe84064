// SPDX-License-Identifier: MIT
// The heuristics of scheduler and pools: guesses that make a runtime faster, and without which it would do the same. For benchmarks, which
// show what each is worth, and for tests each can be switched off; users' options do not have them, so that they may change.
//
// A runtime keeps those that its thread had chosen when it was made. It reads them where the decision is made, never on the way of a poll; that of
// standing_back a thread takes over when it becomes a worker.
#pragma once

#include <string_view>
#include <utility>

namespace pollux::inline v0::detail {

struct heuristics {
    bool spin = true;            // a worker that finds nothing looks several times before it sleeps
    bool search_limit = true;    // at most half of the workers search at once
    bool chained_wakes = true;   // a worker that has found work wakes one more
    bool next_slot = true;       // what was woken or spawned last runs next; else it runs behind what is queued
    bool driver_looks = true;    // a busy worker looks for events now and then; else who sleeps or stands in does
    bool counted_events = true;  // who hands out events asks for help once, if there are more than it soon runs itself
    bool tuned_interval = true;  // the polls between two looks elsewhere are fitted to how long polls are
    bool fork_pauses = true;     // a thief, or a waker of thieves, backs off where forks are too small to be stolen
    bool watchdog = true;        // somebody stands in for a worker that is stuck in a poll
    bool light_fences = true;    // membarrier, where there is one, instead of full fences
    bool standing_back = true;   // a worker that finds a lock or a word in use pauses before it sleeps or tries again
    bool attendant = true;       // a worker that has woken awaiters of tiny jobs looks for more before it sleeps
    bool lingering = true;       // a runner of jobs waits for the next one for some microseconds
};

struct heuristic_name {
    std::string_view name;
    bool heuristics::* is_on;
};
inline constexpr heuristic_name heuristic_names[] = {
    {"spin", &heuristics::spin},
    {"search_limit", &heuristics::search_limit},
    {"chained_wakes", &heuristics::chained_wakes},
    {"next_slot", &heuristics::next_slot},
    {"driver_looks", &heuristics::driver_looks},
    {"counted_events", &heuristics::counted_events},
    {"tuned_interval", &heuristics::tuned_interval},
    {"fork_pauses", &heuristics::fork_pauses},
    {"watchdog", &heuristics::watchdog},
    {"light_fences", &heuristics::light_fences},
    {"standing_back", &heuristics::standing_back},
    {"attendant", &heuristics::attendant},
    {"lingering", &heuristics::lingering},
};

/// Of the runtimes that this thread makes.
extern constinit thread_local heuristics chosen_heuristics;

/// Chooses for a scope.
class heuristics_scope {
public:
    explicit heuristics_scope(const heuristics& chosen) noexcept : outer_(std::exchange(chosen_heuristics, chosen)) {}
    heuristics_scope(const heuristics_scope&) = delete;
    heuristics_scope& operator=(const heuristics_scope&) = delete;
    ~heuristics_scope() { chosen_heuristics = outer_; }

private:
    const heuristics outer_;
};

}  // namespace pollux::inline v0::detail

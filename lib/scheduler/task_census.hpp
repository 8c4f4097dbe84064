// SPDX-License-Identifier: MIT
// How many tasks of a runtime live, and when the last one has ended. Each worker counts for itself what it spawns and what it
// ends, by plain stores, and nobody adds the counters up until the runtime ends. Called by spawn, by the worker that ends a
// task and by the thread that ends the runtime. tests/model/task_census_model.cpp runs this template under a model checker.
//
// Spawn in a task: (1) ending: refuse; (2) spawned + 1 of this worker.
// Spawn elsewhere: (3) spawned + 1 of a shared counter; (4) full fence; (5) ending: ended + 1 there, refuse, then as (8).
// End of a task:   (6) ended + 1 of this worker, release; (7) light fence; ending: (8) full fence, then (9).
// End of runtime:  (10) ending; (11) heavy fence; then (9).
// Count:           (9) add up what has ended, acquire; then what was spawned. Equal: all have ended.
// Without asymmetric fences (7) and (11) are full fences.
//
// Claim 1: if a count comes out equal, no task lives and none will be accepted. Proof. Take a task that lives and whose spawn
// the count has not read. It was spawned
// - elsewhere, and accepted: then (4) is before the counter's fence (8) or (11), and the count has read (3); or after it, and
//   (5) sees what the counter had seen, ending.
// - in a task that has ended by now and whose end the count has read: then the acquire of that end shows (2).
// - in a task that lives, or whose end the count has not read: if the count has read that one's spawn, it cannot come out
//   equal, for each end that it reads belongs to a spawn that it reads (an end happens after its spawn, and (9) reads ends
//   first). If not, the argument starts again with that one, which was spawned earlier.
// A task whose spawn was read is counted as living until its end is.
//
// Claim 2: somebody's count comes out equal. Proof. The fences (8) and the end of (11) have one order; take the last of them.
// Ends before the other (8) are visible to its count. An end that did not see ending in (7): its light fence is before the
// interrupt of its thread in (11), or it would have seen it, so it is visible behind (11), and behind every later fence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

/// What a spawn outside of tasks comes to.
enum class spawn_answer : std::uint8_t {
    accepted,
    refused,
    refused_and_all_ended,  // the caller tells that all tasks have ended
};

/// Threads: each function says whose. Cost: in_task() and ended() are a load and a store.
template <class Sync = std_sync, unsigned SharedCounters = 8>
class task_census {
public:
    // A worker's, or a shared one.
    struct alignas(64) counter {
        typename Sync::template atomic<std::uint64_t> spawned{0};
        typename Sync::template atomic<std::uint64_t> ended{0};
    };

    task_census(unsigned workers, bool asymmetric)
        : counters_(new counter[workers + SharedCounters]),
          workers_(workers),
          asymmetric_(asymmetric),
          looks_closely_(asymmetric ? 0 : always_) {}
    task_census(const task_census&) = delete;
    task_census& operator=(const task_census&) = delete;

    /// Of a worker, which hands it back to the functions below.
    counter& of_worker(unsigned index) noexcept { return counters_[index]; }
    /// Relaxed: it hands over nothing. Threads: any.
    bool is_ending() const noexcept { return is_ending_.load(std::memory_order::relaxed); }

    /// A task that `worker` polls spawns one. False: refused. Threads: that worker's.
    [[nodiscard]] bool spawned_in_task(counter& worker) noexcept {
        // Relaxed: a task that is spawned because of a stale answer is counted, and ends as one that was spawned earlier.
        if (is_ending_.load(std::memory_order::relaxed)) [[unlikely]]
            return false;
        auto& mine = worker.spawned;
        // Relaxed: only this worker writes it; shown by the release of the end of the task that spawns.
        mine.store(mine.load(std::memory_order::relaxed) + 1, std::memory_order::relaxed);
        return true;
    }

    /// `spread`: any number that differs from thread to thread. Threads: any.
    [[nodiscard]] spawn_answer spawned_elsewhere(unsigned spread) noexcept {
        counter& shared = counters_[workers_ + spread % SharedCounters];
        shared.spawned.fetch_add(1, std::memory_order::relaxed);  // ordered by the fence
        Sync::full_fence();                                       // (4); pairs with those in all_have_ended() and end()
        if (!is_ending_.load(std::memory_order::relaxed)) [[likely]]
            return spawn_answer::accepted;
        return refused(shared);
    }

    /// A task has ended on `worker`. True: it was the last one of a runtime that is ending; may be told more than once.
    /// Threads: that worker's.
    [[nodiscard]] bool ended(counter& worker) noexcept { return count_end(worker) && ended_closely(); }

    /// ended() in two steps, for who has more to do on the way of a closer look. True: ended_closely() comes next.
    [[nodiscard]] bool count_end(counter& worker) noexcept {
        auto& mine = worker.ended;
        // Only this worker writes it. Release: pairs with the acquire in ends_from(): shows what the task has spawned.
        mine.store(mine.load(std::memory_order::relaxed) + 1, std::memory_order::release);
        Sync::light_fence();  // (7); pairs with the heavy fence in end()
        // Ordered by the fence. Acquire: pairs with the release in look_closely().
        return looks_closely_.load(std::memory_order::acquire) != 0;
    }
    [[nodiscard, gnu::noinline, gnu::cold]] bool ended_closely() noexcept {
        if (!asymmetric_) Sync::full_fence();                            // (7); pairs with the full fence in end()
        if (!is_ending_.load(std::memory_order::relaxed)) return false;  // ordered by the fence, or by the light one
        return all_have_ended();
    }
    /// Makes count_end() answer true on all workers; a fence of the caller's comes next. Or not any longer. Threads: the watchdog's.
    void look_closely(bool does) noexcept {
        if (does)
            looks_closely_.fetch_or(watched_, std::memory_order::relaxed);
        else
            looks_closely_.fetch_and(~watched_, std::memory_order::release);  // pairs with the acquire in count_end()
    }

    /// From now on spawns are refused. True: no task lives. Threads: one.
    [[nodiscard]] bool end() noexcept {
        is_ending_.store(true, std::memory_order::relaxed);  // both are ordered by the fence
        looks_closely_.fetch_or(always_, std::memory_order::relaxed);
        if (asymmetric_) {
            Sync::heavy_fence();  // (11); pairs with the light fence in ended() and the full ones
        } else {
            Sync::full_fence();  // (11); pairs with the full fences
        }
        return count();
    }

    /// For metrics: each counter read at its own moment. Without those that were refused; one that is about to be counts for a moment, here and in alive().
    std::uint64_t spawned() const noexcept {
        const std::uint64_t refused = ends_from(workers_);
        return spawns() - refused;
    }
    std::uint64_t alive() const noexcept {
        const std::uint64_t ended = ends_from(0);
        return spawns() - ended;
    }

private:
    std::uint64_t spawns() const noexcept {
        std::uint64_t sum = 0;
        for (unsigned i = 0; i != workers_ + SharedCounters; ++i)
            sum += counters_[i].spawned.load(std::memory_order::relaxed);
        return sum;
    }
    std::uint64_t ends_from(unsigned first) const noexcept {
        std::uint64_t sum = 0;
        for (unsigned i = first; i != workers_ + SharedCounters; ++i)
            sum += counters_[i].ended.load(
                std::memory_order::acquire);  // pairs with the release in count_end(): shows its spawn
        return sum;
    }
    // Apart, so that who is accepted saves no registers for it.
    [[gnu::noinline, gnu::cold]] spawn_answer refused(counter& shared) noexcept {
        shared.ended.fetch_add(
            1, std::memory_order::relaxed);  // the fence before it shows the spawn to the acquire in ends_from()
        return all_have_ended() ? spawn_answer::refused_and_all_ended : spawn_answer::refused;
    }
    bool all_have_ended() noexcept {
        Sync::full_fence();  // (8); pairs with (4), with each other and with the fence in end()
        return count();
    }
    // Not fewer were spawned than it has seen end: what it reads of ends shows their spawns.
    bool count() const noexcept { return alive() == 0; }

    const std::unique_ptr<counter[]> counters_;  // the workers', then the shared ones
    const unsigned workers_;
    const bool asymmetric_;
    typename Sync::template atomic<bool> is_ending_{false};
    // Ending, or the light fence is none; somebody wants to stop the workers for a moment.
    static constexpr std::uint32_t always_ = 1, watched_ = 2;
    typename Sync::template atomic<std::uint32_t> looks_closely_;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// How many runners a cpu_pool has and what they are about, in one word; and so who starts the next. Called by submitters and runners of
// cpu_pool; calls nothing. tests/model/runner_count_model.cpp runs this template under a model checker.
//
// The word counts runners (started and not ended), of these lingering ones, whether one is starting (enqueued, no job taken yet), and
// leaving ones. A runner is started only if fewer than `slots` exist, none lingers and none is starting: whoever comes or comes back
// starts the next one if jobs remain.
//   Submitter: (1) push; (2) try_start(): if a runner can be started, do it.
//   Runner:    (a) stop starting, lingering or being counted: has_started(), goes_on(), leaves(); (b) look whether there is a job; (c) it
//              took one and sees more: as (2).
// Claim: a job is taken while there is a free slot, without another submit.
// Proof: (1) (2) (a) (b) are sequentially consistent. (2) before (a): then (b) sees the push of (1), and the runner takes a job and
// with (c) sees to the rest, or goes on. (a) before (2): the submitter sees that this one does not count, and starts
// one, or relies on another to whom the same applies. A runner that ends looks once more after it is not counted as a
// runner, and comes back if it may: comes_back(). With all slots taken by runners that run: they take the next job when they finish.
// (b) is done with the pool's lock held, and whoever takes jobs from where (1) puts them puts them into the queues before it gives the lock
// back: a future on its way out may do that between (1) and (b), and (b) sees them there. (c) comes after the lock, too: had (b) of
// the runner that it relies on been before, (a) would have been seen.
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

// start: the caller enqueues a runner. closed: none will come; the caller gives up what is queued.
enum class runner_start : std::uint8_t { no, start, closed };

/// Threads: any.
template <class Sync = std_sync>
class runner_count {
public:
    explicit runner_count(std::uint64_t slots) noexcept : slots_(slots) {}
    runner_count(const runner_count&) = delete;
    runner_count& operator=(const runner_count&) = delete;
    ~runner_count() = default;

    /// (2) of whoever has pushed a job, or sees more of them.
    runner_start try_start() noexcept {
        std::uint64_t seen = word_.load(std::memory_order::seq_cst);  // (2)
        if ((seen & closed) != 0) [[unlikely]]
            return runner_start::closed;
        while (may_start(seen))
            // Seq_cst as (2): on failure it is another look.
            if (word_.compare_exchange_weak(seen, seen + runner + starting, std::memory_order::seq_cst))
                return runner_start::start;
        return runner_start::no;
    }
    /// It could not be enqueued. True: there is no other.
    bool start_failed() noexcept {
        return runners_in(word_.fetch_sub(runner + starting, std::memory_order::seq_cst)) == 1;  // as (a)
    }

    // --- the runner ---

    void has_started() noexcept { word_.fetch_sub(starting, std::memory_order::seq_cst); }  // (a)
    /// Relaxed: who does not see it yet starts a runner too many.
    void lingers() noexcept { word_.fetch_add(lingering, std::memory_order::relaxed); }
    /// It lingers no more.
    void goes_on() noexcept { word_.fetch_sub(lingering, std::memory_order::seq_cst); }  // (a)
    /// Neither does it linger, nor is it a runner, but the pool stays until has_left().
    void leaves() noexcept { word_.fetch_add(leaving - lingering - runner, std::memory_order::seq_cst); }  // (a)
    /// It leaves, but (b) has found a job. With the pool's lock still held. False: others see to that.
    bool comes_back() noexcept {
        // Relaxed, both: who has done (a) and (b) since did so with the lock held before; who has done only (a) comes to (b) and finds the job.
        std::uint64_t seen = word_.load(std::memory_order::relaxed);
        while (may_start(seen))
            if (word_.compare_exchange_weak(seen, seen + runner - leaving, std::memory_order::relaxed)) return true;
        return false;
    }
    /// With the pool's lock held, which orders it.
    void has_left() noexcept { word_.fetch_sub(leaving, std::memory_order::relaxed); }

    // --- the end ---

    /// No runner is started any more.
    void close() noexcept {
        word_.fetch_or(closed, std::memory_order::seq_cst);
    }  // before the look at the queues; see (2)
    /// Behind that, with the pool's lock held: no runner is left, and none comes.
    bool is_over() const noexcept {
        const std::uint64_t seen = word_.load(std::memory_order::relaxed);  // changes that matter come with the lock
        return runners_in(seen) == 0 && leaving_in(seen) == 0;
    }

    // --- hints ---

    bool all_slots_run() const noexcept { return runners_in(word_.load(std::memory_order::relaxed)) == slots_; }
    bool is_closed() const noexcept { return (word_.load(std::memory_order::relaxed) & closed) != 0; }

private:
    // Fields. 20 bits hold more runners than oneTBB has threads.
    static constexpr std::uint64_t runner = 1;
    static constexpr std::uint64_t lingering = 1u << 20;
    static constexpr std::uint64_t leaving = std::uint64_t{1} << 40;
    static constexpr std::uint64_t starting = std::uint64_t{1} << 60;
    static constexpr std::uint64_t closed = std::uint64_t{1} << 61;
    static constexpr std::uint64_t field = (1u << 20) - 1;
    static std::uint64_t runners_in(std::uint64_t word) noexcept { return word & field; }
    static std::uint64_t lingering_in(std::uint64_t word) noexcept { return word / lingering & field; }
    static std::uint64_t leaving_in(std::uint64_t word) noexcept { return word / leaving & field; }

    bool may_start(std::uint64_t seen) const noexcept {
        return (seen & (starting | closed)) == 0 && lingering_in(seen) == 0 && runners_in(seen) < slots_;
    }

    const std::uint64_t slots_;
    typename Sync::template atomic<std::uint64_t> word_{0};
};

}  // namespace pollux::inline v0::detail

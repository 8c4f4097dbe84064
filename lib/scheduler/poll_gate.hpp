// SPDX-License-Identifier: MIT
// How the watchdog reads whose poll a worker is in, though that task may end, and its block be freed, at any moment. A worker that
// leaves a poll passes a gate, which the watchdog shuts while it reads, and writes its line about that poll. Called by the worker at the end of
// each poll and by the watchdog for a poll that is over the limit. tests/model/poll_gate_model.cpp runs this template under a
// model checker.
//
// Worker:   (1) task: stored, release, when its poll begins; (2) task: null, when the worker is about to give it up: before it
//           parks or ends, or before it joins forks that others have a part in; (3) light fence; (4) the word, acquire: not
//           zero, then wait until the gate is open; (5) give the task up.
// Watchdog: (a) shut the gate; (b) heavy fence; (c) task, acquire: if it is not null, read it; (d) open the gate, release.
//
// Claim: what the watchdog reads between (c) and (d) happens before (5), and after what happened before (1).
// Proof. Each thread has its interrupt of (b) somewhere. If (2) of the poll that (c) has read is before the worker's interrupt, (c)
// sees that null or something later, so it is not that poll. So (2) comes after the interrupt, and so does (4), which sees (a): it
// waits for (d), or has seen (d) at once; either way it has acquired it. The other half is the release of (1) and the acquire of (c).
// Without asymmetric fences (3) and (b) are full ones, which have one order: (3) before (b), and (c) sees (2); or (4) sees (a). So that
// nobody asks which it is at each poll, the word is never zero then, and the fence is made where the worker looks closer.
// A task that ends pays nothing: task_census.hpp has a fence and a word for all workers in its way already. The watchdog sets that
// before (a) and takes it back after (d), so it stands for the word in (4); who finds it set comes to the gate.
//
// The word also has a mark that the watchdog leaves for the worker behind (c): this poll was reported.
#pragma once

#include <cstdint>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

/// Threads: each function says whose. Cost: is_open() is a load; shut() a system call that interrupts every running thread.
template <class Sync = std_sync>
class poll_gate {
public:
    explicit poll_gate(bool asymmetric) noexcept : word_(asymmetric ? 0 : symmetric_), asymmetric_(asymmetric) {}
    poll_gate(const poll_gate&) = delete;
    poll_gate& operator=(const poll_gate&) = delete;

    /// Behind (2). False: wait_until_open() comes next. Threads: the worker's.
    [[nodiscard]] bool is_open() noexcept {
        Sync::light_fence();                                 // (3); pairs with the heavy fence in shut()
        return word_.load(std::memory_order::acquire) == 0;  // (4); pairs with the release in open()
    }
    /// Calls `pause` again and again while the gate is shut. Threads: the worker's.
    template <class Pause>
    void wait_until_open(Pause pause) noexcept {
        if (!asymmetric_) Sync::full_fence();  // (3); pairs with the full fence in shut()
        while ((word_.load(std::memory_order::acquire) & shut_) != 0) pause();  // (4); pairs with the release in open()
    }
    /// True: there was a mark. Behind wait_until_open(). Threads: the worker's.
    bool take_mark() noexcept {
        // Relaxed: it is left while the gate is shut, so the gate orders it and what it is about.
        return (word_.fetch_and(~marked_, std::memory_order::relaxed) & marked_) != 0;
    }

    /// Threads: the watchdog's, also for those below.
    void shut() noexcept {
        word_.fetch_or(shut_, std::memory_order::relaxed);  // (a); ordered by the fence
        if (asymmetric_) {
            Sync::heavy_fence();  // (b); pairs with the light fence in is_open()
        } else {
            Sync::full_fence();  // (b); pairs with the full fence in wait_until_open()
        }
    }
    void open() noexcept {
        word_.fetch_and(~shut_, std::memory_order::release);  // (d); pairs with the acquires of the worker
    }
    /// One that was left has not been taken yet. Threads: the watchdog's.
    bool has_mark() const noexcept {
        return (word_.load(std::memory_order::relaxed) & marked_) != 0;  // asked again and again
    }
    /// While the gate is shut. The worker, too, puts back one that it has taken.
    void leave_mark() noexcept {
        word_.fetch_or(marked_, std::memory_order::relaxed);  // see take_mark()
    }

private:
    static constexpr std::uint32_t shut_ = 1, marked_ = 2, symmetric_ = 4;

    typename Sync::template atomic<std::uint32_t> word_;
    const bool asymmetric_;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The state word of a task: who may poll it, who may touch which of its fields, and when its block may be freed. Called
// by the task cell, its wakers, join handles and abort handles, and by the thread that ends a runtime (it marks every
// task cancelled, then wakes it), from any thread; calls nothing. tests/model/task_state_model.cpp runs this template under a model checker. In a
// public header because a poll of a join handle inlines its part.
//
// Seven bits and a count of references (from bit 7) in one atomic, changed by read-modify-writes only:
//   running        One thread owns the future. Set by to_running, cleared by to_idle and to_complete.
//                  Never together with complete.
//   complete       The output is stored, the future destroyed. Set by to_complete, cleared by nobody.
//   notified       On an idle task: one queue, or one waker on its way to one, holds a reference. On a running task:
//                  poll it once more. Set by initial, wake and abort, cleared by to_running. On a task
//                  that is complete it is left behind by its last poll, in no queue, and means nothing.
//   join_interest  A join handle lives. Set by initial, cleared by drop_join_handle.
//   join_waker     The slot holds the handle's waker and is read-only. Set by publish_join_waker. Before complete
//                  cleared by withdraw_join_waker and drop_join_handle, and never without join_interest; if complete
//                  found it, it stays.
//   cancelled      Do not poll it again, so wake-ups do nothing. Set by abort, mark_cancelled and try_claim, cleared by nobody.
//   has_parent     Whoever awaits it ends it, before he goes himself. Set when it is made, cleared by nobody.
//
// Who may touch what:
//   future         Whoever set running: he polls it, or destroys it, and stores the output before to_complete.
//   output         He, until to_complete. Then the join handle if to_complete reported join_interest, else he still.
//   the slot       join_waker clear: the join handle, reading and writing; empty when it leaves it. Set: everybody
//                  reads its two words, nobody writes, and the waker in it is the handle's until complete. If complete
//                  found the bit, the waker is from then on the completer's, who wakes with it and so gives it up. The
//                  handle does not call it then, nor compare by calling it: it may be gone.
//   queue link     Whoever was told `schedule` or `reschedule`, then the queue, then whoever took the task out of it:
//                  he calls to_running, and keeps the link until to_idle. From complete on it is for whoever frees the
//                  block.
//
// References, one each:
//   membership     Of the runtime, from spawn until the task is complete and unlinked. So until it is complete, no
//                  other reference is the last.
//   notification   Made by `schedule`; to_running turns it into the poll's reference, `reschedule` turns it back. A
//                  mark left during a poll has none.
//   the join handle, and each waker and abort handle.
//
// No wake-up is lost: wake() is one read-modify-write at one place in the word's order. If it finds the task idle, its
// caller schedules it. If it finds notified on an idle task, the to_running that clears the bit comes later. If it
// finds running, the to_idle of that poll comes later and reschedules. In each case a whole poll follows, and its
// to_running acquires what wake() released, for a read-modify-write continues the release sequences that it stands in.
//
// A task that is cancelled needs none: a queue has it, or whoever polls it will find the bit in to_idle, or it is idle and whoever has
// marked it comes back with end_marked. So the end of one of many tasks that are marked together neither lets another go on, nor
// queues one whose parent is about to take it.
//
// A parent that goes takes a child that is idle itself (try_claim), without a queue: to look for one child in the queues costs as much as
// there is in them. Claim: of him and those who would schedule it, one gets the task. Proof: all of them change the word only if they find
// the task idle and not notified, and leave it running or notified. A child that he cannot claim is complete, or runs, or stands in a
// queue: he aborts it and waits.
//
// A task stands in one queue at most, and is idle as long as it stands there: `schedule` and `reschedule` answer to the
// change that makes it idle and notified, and only the to_running of whoever took it out ends that state.
//
// Cost: spawn, poll, complete, join without a waiter is three read-modify-writes (to_running, to_complete, the
// runtime's or the handle's references; whoever comes last only reads). A wake-up and its poll that ends pending are
// three (wake, to_running, to_idle). Where a bit's old value is known, fetch_add and fetch_sub stand for or, xor and
// and: x86 has an instruction for them that returns the old word, for the others compilers emit a compare-exchange
// loop.
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/core/export.hpp"
#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

/// What the holder of a notification does with the task: running is his now.
enum class run_action {
    run,     // poll it
    cancel,  // destroy the future and complete
};

/// What a worker does after a poll that answered pending.
enum class idle_action {
    parked,       // nothing: the poll's reference is given up already, the task may be gone
    parked_last,  // free the block: that reference was the last (only a task that is no member of a runtime)
    reschedule,   // enqueue it, handing on the poll's reference
    cancel,       // running is still his: destroy the future and complete
};

/// What the caller of wake() or abort() does.
enum class wake_action {
    nothing,
    schedule,  // enqueue it, handing on a reference that was made for the queue
};

/// What the caller of wake_and_drop() does.
enum class last_wake_action {
    nothing,
    schedule,        // enqueue it, handing on the reference
    drop_reference,  // the task is complete or cancelled: give up the reference
};

/// What a join handle does before it is gone, in this order.
struct [[nodiscard]] join_drop {
    bool drop_output;     // destroy the output, if it was not taken
    bool drop_waker;      // it has not been called: empty the slot
    bool drop_reference;  // then give up the handle's reference; false: that is done
};

/// Ends the process: more references than the word counts.
[[noreturn]] POLLUX_API void reference_overflow() noexcept;

template <class Sync>
struct task_state {
    using word = typename Sync::template atomic<std::uint64_t>;

    static constexpr std::uint64_t running = 1;
    static constexpr std::uint64_t complete = 2;
    static constexpr std::uint64_t notified = 4;
    static constexpr std::uint64_t join_interest = 8;
    static constexpr std::uint64_t join_waker = 16;
    static constexpr std::uint64_t cancelled = 32;
    static constexpr std::uint64_t has_parent = 64;
    static constexpr std::uint64_t one_reference = 128;

    // A new task is about to be enqueued by whoever made it. References: membership, notification, and the handle's.
    static constexpr std::uint64_t initial(bool join) noexcept {
        return join ? notified | join_interest | 3 * one_reference : notified | 2 * one_reference;
    }
    /// The same for a child, with a handle.
    static constexpr std::uint64_t initial_child() noexcept { return initial(true) | has_parent; }

    static constexpr std::uint64_t reference_count(std::uint64_t seen) noexcept { return seen / one_reference; }

    // Polling. A task that wakes itself in its poll need not come to the word for it: to_idle() is told.

    /// Called by whoever took the task from a queue: turns the notification into the right to poll.
    [[nodiscard]] static run_action to_running(word& state) noexcept {
        // It is idle and notified, so subtracting the difference moves the one bit into the other.
        constexpr auto change = notified - running;
        // Acquire: pairs with the release of to_idle (the last poll's writes to the future) and of wake (what the waker
        // wrote). No release: the future is published again at the end of the poll.
        const auto seen = state.fetch_sub(change, std::memory_order::acquire);
        return seen & cancelled ? run_action::cancel : run_action::run;
    }

    /// Called by whoever polled the task, after pending. `has_woken_itself`: its own waker was called in this poll, which as yet only
    /// he knows; the same as if it had left its mark.
    [[nodiscard, gnu::always_inline]] static inline idle_action to_idle(word& state,
                                                                        bool has_woken_itself = false) noexcept {
        auto seen = state.load(std::memory_order::relaxed);  // a stale value fails the exchange
        for (;;) {
            // re-check: cancelled meanwhile. Relaxed is enough: abort hands over nothing but the bit.
            if (seen & cancelled) return idle_action::cancel;
            const bool again = has_woken_itself || (seen & notified) != 0;
            const auto next = again ? (seen & ~running) | notified : (seen & ~running) - one_reference;
            // Release: the poll's writes to the future, for the acquire of the next to_running; its reads
            // of the queue link, for the acquire of wake; and its last access of all, for whoever frees the block.
            // Acquire: pairs with the release of drop_references, if the reference given up here was the last.
            if (state.compare_exchange_weak(seen, next, std::memory_order::acq_rel, std::memory_order::relaxed)) {
                if (again) return idle_action::reschedule;
                return reference_count(next) == 0 ? idle_action::parked_last : idle_action::parked;
            }
        }
    }

    /// Called by whoever owns running, when the future is destroyed and the output stored. Returns the word as it is
    ///   now: join_interest clear: the output is the caller's to destroy, and the slot is empty.
    ///   join_waker set: the waker in the slot is the caller's: he copies its words, wakes with it and gives it up.
    /// Afterwards the caller gives up his references with drop_references().
    [[nodiscard]] static std::uint64_t to_complete(word& state) noexcept {
        // Running is set and complete is clear, so adding the difference moves the one bit into the other.
        constexpr auto change = complete - running;
        // Release: the output, for the acquires of the join handle's functions. Acquire: pairs with the release of
        // publish_join_waker (the waker in the slot).
        return state.fetch_add(change, std::memory_order::acq_rel) + change;
    }

    // Waking and ending from outside. The caller holds a reference.

    [[nodiscard]] static wake_action wake(word& state) noexcept {
        auto seen = state.load(std::memory_order::relaxed);  // a stale value fails the exchange; these two bits stay
        for (;;) {
            if (seen & (complete | cancelled)) return wake_action::nothing;  // re-check: after each failed exchange
            const bool idle = (seen & (running | notified)) == 0;
            const auto next = idle ? (seen | notified) + one_reference : seen | notified;
            // Exchanged even if nothing changes: a poll that was notified before must see what this waker wrote.
            // Release: pairs with the acquire of to_running. Acquire: pairs with the release of to_idle: the worker
            // that polled last has done with the queue link.
            if (state.compare_exchange_weak(seen, next, std::memory_order::acq_rel, std::memory_order::relaxed)) {
                return idle ? wake_action::schedule : wake_action::nothing;
            }
        }
    }

    /// The same by a waker that goes: its reference becomes the queue's, or is given up.
    [[nodiscard]] static last_wake_action wake_and_drop(word& state) noexcept {
        auto seen = state.load(std::memory_order::relaxed);  // as in wake()
        for (;;) {
            // re-check: after each failed exchange
            if (seen & (complete | cancelled)) return last_wake_action::drop_reference;
            const bool idle = (seen & (running | notified)) == 0;
            // Not the last one: a task that is not complete has the membership's.
            const auto next = idle ? seen | notified : (seen | notified) - one_reference;
            // Orders and their partners: as in wake(). Release also for the acquire of drop_references, as the
            // reference may go here.
            if (state.compare_exchange_weak(seen, next, std::memory_order::acq_rel, std::memory_order::relaxed)) {
                return idle ? last_wake_action::schedule : last_wake_action::nothing;
            }
        }
    }

    /// The future is destroyed by whoever runs the task next or polls it now; a result that this poll still gives
    /// stays.
    [[nodiscard]] static wake_action abort(word& state) noexcept {
        auto seen = state.load(std::memory_order::relaxed);  // a stale value fails the exchange; these two bits stay
        for (;;) {
            if (seen & (complete | cancelled)) return wake_action::nothing;  // re-check: after each failed exchange
            const bool idle = (seen & (running | notified)) == 0;
            const auto next = idle ? (seen | cancelled | notified) + one_reference : seen | cancelled;
            // Acquire: pairs with the release of to_idle, as in wake. No release: there is nothing to hand over, and
            // the link that the caller writes is published by the queue.
            if (state.compare_exchange_weak(seen, next, std::memory_order::acquire, std::memory_order::relaxed)) {
                return idle ? wake_action::schedule : wake_action::nothing;
            }
        }
    }

    /// As abort(), of one that is not complete, but in two steps: of many tasks none goes on because of the end of another that is marked
    /// with it. Whoever calls this sees to it that end_marked() follows, or try_claim().
    static void mark_cancelled(word& state) noexcept {
        state.fetch_or(cancelled, std::memory_order::relaxed);  // hands over nothing
    }

    /// The second step. Once or several times, by any thread.
    [[nodiscard]] static wake_action end_marked(word& state) noexcept {
        auto seen =
            state.load(std::memory_order::relaxed);  // a stale value fails the exchange, or somebody else ends it
        for (;;) {
            // re-check: somebody else has it.
            if (seen & (running | complete | notified)) return wake_action::nothing;
            // Orders and partners: as in abort().
            if (state.compare_exchange_weak(seen, (seen | notified) + one_reference, std::memory_order::acquire,
                                            std::memory_order::relaxed))
                return wake_action::schedule;
        }
    }

    /// By the parent, who goes. True: the task was idle, and is cancelled now and running, and his to end, with the poll's reference.
    [[nodiscard]] static bool try_claim(word& state) noexcept {
        auto seen = state.load(
            std::memory_order::relaxed);  // a stale value fails the exchange; if it says no, abort() asks again
        for (;;) {
            // re-check: somebody else has it.
            if (seen & (running | complete | notified)) return false;
            // Acquire: pairs with the release of to_idle: the last poll's writes to the future, and its reads of the link.
            if (state.compare_exchange_weak(seen, (seen | cancelled | running) + one_reference,
                                            std::memory_order::acquire, std::memory_order::relaxed))
                return true;
        }
    }

    /// Relaxed: it is as when the task was made.
    [[nodiscard]] static bool is_child(const word& state) noexcept {
        return (state.load(std::memory_order::relaxed) & has_parent) != 0;
    }

    /// A hint for long polls and forks. Relaxed: it hands over nothing, and a stale answer only delays the end.
    [[nodiscard]] static bool is_cancelled(const word& state) noexcept {
        return (state.load(std::memory_order::relaxed) & cancelled) != 0;
    }

    // The join handle: one thread at a time. It polls like this:
    //   seen_by_joiner(): complete: take the output. join_waker: if the slot's words are the context's waker's: pending. Else
    //                     withdraw_join_waker(): false: take the output. True: empty the slot, go on.
    //   Write the slot, publish_join_waker(): true: pending; false: empty the slot, take the output.

    [[nodiscard]] static bool is_complete(const word& state) noexcept {
        return (state.load(std::memory_order::acquire) & complete) !=
               0;  // pairs with the release of to_complete: the output
    }

    /// The word as it is now. complete: the output is the handle's. Else join_waker: the slot holds its waker.
    [[nodiscard]] static std::uint64_t seen_by_joiner(const word& state) noexcept {
        return state.load(std::memory_order::acquire);  // pairs with the release of to_complete: the output
    }

    /// After the slot was written. False: the task is complete and nobody looks at the slot.
    [[nodiscard]] static bool publish_join_waker(word& state) noexcept {
        // Release: the slot, for the acquire of to_complete. Acquire: pairs with the release of to_complete, if that
        // came first: shows the output.
        const auto seen = state.fetch_add(join_waker, std::memory_order::acq_rel);
        if ((seen & complete) == 0) return true;
        // Whoever completed it has decided by the word as it was then, so this bit was seen by nobody, and nobody looks
        // at it any more.
        return false;
    }

    /// Before the slot is written again. False: the task is complete, and the waker in the slot is the completer's.
    [[nodiscard]] static bool withdraw_join_waker(word& state) noexcept {
        auto seen = state.load(std::memory_order::acquire);  // pairs with the release of to_complete: shows the output
        for (;;) {
            if (seen & complete) return false;  // re-check: after each failed exchange
            // Relaxed: before complete nobody but this handle has touched the slot. Failure acquire: as above.
            if (state.compare_exchange_weak(seen, seen & ~join_waker,
                                            std::memory_order::acquire,  // relaxed would do; g++ 12 warns of it
                                            std::memory_order::acquire)) {
                return true;
            }
        }
    }

    /// The handle goes. One read-modify-write, which also gives up the reference, if it was not polled; none if the task
    /// is complete.
    static join_drop drop_join_handle(word& state) noexcept {
        // Acquire: pairs with the release of to_complete: shows the output.
        auto seen = state.load(std::memory_order::acquire);
        for (;;) {
            // re-check: nobody looks at join_interest any more, and the waker in the slot is not the handle's.
            if ((seen & complete) != 0) return {true, false, true};
            const bool has_waker = (seen & join_waker) != 0;
            auto next = seen & ~(join_interest | join_waker);  // the slot is the handle's again
            if (!has_waker) next -= one_reference;             // not the last: the membership's is there
            // Release: the handle's accesses to the slot come before the block is freed (drop_references). No acquire:
            // what `seen` tells was acquired by the read that brought it. Failure acquire: that is such a read.
            if (state.compare_exchange_weak(seen, next, std::memory_order::release, std::memory_order::acquire))
                return {false, has_waker, has_waker};
        }
    }

    // References. Whoever adds one holds one.

    static void add_reference(word& state) noexcept {
        // Relaxed: the reference held keeps the block; whatever hands the new one to another thread orders it.
        const auto seen = state.fetch_add(one_reference, std::memory_order::relaxed);
        if (seen >> 63) reference_overflow();
    }

    /// True: that was the last one; free the block.
    [[nodiscard]] static bool drop_reference(word& state) noexcept { return drop_references(state, 1); }

    [[nodiscard]] static bool drop_references(word& state, std::uint64_t n) noexcept {
        // If all references are the caller's, nobody is left to change the word, and the locked operation is saved.
        // Acquire: pairs with the release in drop_some() of those who gave theirs up.
        if (reference_count(state.load(std::memory_order::acquire)) == n) return true;
        return drop_some(state, n);
    }

    /// The same for a caller who knows that others have just had references.
    [[nodiscard]] static bool drop_some(word& state, std::uint64_t n) noexcept {
        // Release: our accesses to the block come before it is freed; pairs with the acquires here and above. Acquire:
        // everybody else's do.
        const auto seen = state.fetch_sub(n * one_reference, std::memory_order::acq_rel);
        return reference_count(seen) == n;
    }
};

using task_states = task_state<std_sync>;

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// A place for one waker that one side writes and any number of threads use up. Behind atomic_waker, and wherever a
// future waits for an event that other threads bring about. Calls nothing but the waker.
//
// The event: some state outside this cell. Who waits calls store() and then looks at that state; who changes the state
// does so and then calls wake().
//
// Protocol, one word:
//   empty   the slot is the storing side's
//   full    the slot holds a waker; whoever moves the word away from full may take it out
//   taking  a thread in take() owns the slot
// store: (1) if full, full -> empty and take the old waker out; (2) if empty, write the slot; (3) empty -> full.
//        If it meets taking, it wakes the new waker instead of storing it: that task polls again and stores then.
// keep:  the storing side would store what it has stored last: if the word is full, it need not. Else it stores.
// take:  full -> taking, move the waker out, taking -> empty. Else one read-modify-write that changes nothing.
//
// Claim: a change made before wake() is seen by the look after store(), or the stored waker is woken after the change,
// or the waker given to store() is woken by store() itself, and its next poll stores again.
// Proof: wake() has one read-modify-write W that decides, and store() one, S of step (3) (none, if it met taking: the
// third case). After the first value all values of the word come from read-modify-writes, so each acquires what every
// earlier one released. W before S: the look after S sees the change. W after S, and it finds full: it takes this
// waker, or one stored later. W after S, and it finds empty or taking: somebody moved the word away from full between S
// and W. If that was step (1) of a later store(), the claim is about that one's S. If it was another take(), that
// thread wakes the waker, and the poll that follows calls store() and looks: with an S after W it sees the change, with
// an S before W we begin again.
// A keep() that reads full stands for the S before it: each W since then finds full, and takes this waker. That read may be of
// the past: then a W has taken the waker, and wakes it in this poll or later, for what has caused a poll is visible to it.
// Named race: the storing side writes the slot while wake() looks. Harmless: the word is empty then, and take() touches
// the slot only when it has moved the word away from full.
//
// The storing side is one thread at a time, each after the other as for any plain object; two at once would race for
// the slot.
// Wakers are cloned, woken and dropped while the word is full or empty, never while it is taking: they may call back.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace pollux::inline v0::detail {

// Waker: copyable without throwing, movable, wake(), will_wake(other); default-constructed it wakes nobody.
template <class Waker, class Sync>
class waker_cell {
public:
    waker_cell() noexcept = default;
    waker_cell(const waker_cell&) = delete;
    waker_cell& operator=(const waker_cell&) = delete;

    /// The storing side's: the next wake() goes to this waker, or it has been woken already.
    void store(const Waker& waker) noexcept {
        static_assert(std::is_nothrow_copy_constructible_v<Waker> && std::is_nothrow_move_assignable_v<Waker>);
        // Acquire: pairs with the release of the exchange in take(): the slot has been left.
        auto seen = state_.load(std::memory_order::acquire);
        Waker replaced;  // dropped last, when the new one is in place
        bool is_stored = false;
        if (seen == full) {
            // Relaxed on success: what is in the slot was put there by this side, and the slot is not shown to anybody.
            // Failure acquire: as for the load, if take() came first and has finished.
            if (state_.compare_exchange_strong(seen, empty,
                                               std::memory_order::acquire,  // relaxed would do; g++ 12 warns of it
                                               std::memory_order::acquire)) {
                is_stored = slot_.will_wake(waker);
                if (!is_stored) replaced = std::move(slot_);
                seen = empty;
            }
        }
        if (seen == taking) {
            // The poll that this causes comes here again, before it looks at the event.
            waker.wake();
            return;
        }
        if (!is_stored) slot_ = waker;
        // Only this side leaves empty, so this is an exchange and not a comparison. Release: the slot, for the acquire
        // of take(). Acquire: pairs with the release of every earlier take(): the change made before that is visible
        // now.
        state_.exchange(full, std::memory_order::acq_rel);
    }

    /// The storing side's, in place of store() of the waker that it has stored last: that is still here. False: it has been taken.
    [[nodiscard]] bool keep() const noexcept {
        // Relaxed: nobody has woken since store(), or it wakes this waker; so there is nothing to acquire.
        return state_.load(std::memory_order::relaxed) == full;
    }

    /// Any thread, any number at once.
    void wake() noexcept { take().wake(); }

    /// As wake(), but leaves waking to the caller. One that wakes nobody if none was stored, or another thread took it.
    [[nodiscard]] Waker take() noexcept {
        auto seen = state_.load(std::memory_order::relaxed);  // a stale value fails the exchange
        // Exchanged even if nothing changes, so that it stands in the word's order. Release: the event's state, for the
        // acquire of the exchange in store(). Acquire: the slot, pairs with the release of that exchange.
        while (!state_.compare_exchange_weak(seen, seen == full ? taking : seen, std::memory_order::acq_rel,
                                             std::memory_order::relaxed)) {}
        Waker waker;
        if (seen == full) {
            waker = std::move(slot_);
            // An exchange, not a store: a store would cut the next store() off from what other wake() released that met
            // taking. Release: we have left the slot; pairs with the acquire load of store().
            state_.exchange(empty, std::memory_order::release);
        }
        return waker;
    }

private:
    static constexpr std::uint32_t empty = 0;
    static constexpr std::uint32_t full = 1;
    static constexpr std::uint32_t taking = 2;

    Waker slot_;
    typename Sync::template atomic<std::uint32_t> state_{empty};
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// What is known of one descriptor, and who waits for more: the word that the reactor adds events to and that operations look at. Nothing
// in it calls the system. tests/model/readiness_model.cpp runs this template under a model checker.
//
// The word: bits of what it is ready for; a tick that counts the events; the generation of its user, for places are used again.
//
//   reactor, for an event:       (1) add the bits and count the tick, if the generation is that of the event; (2) under the lock take
//                                who waits for them out of the line; (3) wake them.
//   a user:                      (a) look at the word: ready; (b) try the operation: it would block; (c) give the bits up, if the
//                                tick is still that of (a); (d) look again: not ready; under the lock: look once more, stand in the line.
//
// The system (edge-triggered): an event comes whenever what was not ready has become so, some time after it.
// Claim 1, no event is lost: if the descriptor has become ready after (b), the user is woken, or sees the bits in (d).
// Proof. The event of that comes after (b), hence after (a), as does its (1). Is that before (c), the tick is another: (c) keeps the bits.
// Is it after (c), nobody gives its bits up but a user who has tried after it. So (d) sees the bits, or comes before (1). In that case
// the look under the lock comes before (1), and so before (2) in the order of the lock (were (2) before, the look would see (1)):
// (2) takes the user out of the line. Harvested before (b) but handed out after (c), an event makes one try too many: harmless.
// Claim 2: an event for an older user of the place changes nothing: its generation is another, and (1) is one read-modify-write. If
// the place changes hands between (1) and (2), the newer user is woken once for nothing.
// Claim 3: readers and writers are woken independently: each direction has bits and a line of its own; an end or an error has the bits
// of both.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::detail {

/// The bits. An end stays when an operation was done in part: the next one does not block.
struct ready_bits {
    static constexpr std::uint64_t readable = 1, writable = 2, read_end = 4, write_end = 8, cancelled = 16;
    static constexpr std::uint64_t for_reading = readable | read_end | cancelled;
    static constexpr std::uint64_t for_writing = writable | write_end | cancelled;
};

/// Threads: each function says whose. No user code runs under its lock.
template <class Waker, class Sync>
class readiness {
public:
    using waiter = waiter_links<Waker>;

    readiness() noexcept = default;
    readiness(const readiness&) = delete;
    readiness& operator=(const readiness&) = delete;

    static constexpr std::uint32_t generation_of(std::uint64_t word) noexcept {
        return static_cast<std::uint32_t>(word >> generation_shift);
    }

    /// The word. Threads: any. Acquire: pairs with the release in add(): what came with the event.
    std::uint64_t look() const noexcept { return word_.load(std::memory_order::acquire); }

    /// An event for that generation; wakes who waits for it. Threads: any.
    void add(std::uint32_t generation, std::uint64_t bits) noexcept {
        std::uint64_t seen = word_.load(std::memory_order::relaxed);  // checked by the exchange
        do {
            if (generation_of(seen) != generation) return;
            // Release: pairs with the acquire in look(). Relaxed on failure: nothing of it is read.
        } while (!word_.compare_exchange_weak(seen, ticked(seen) | bits, std::memory_order::release,
                                              std::memory_order::relaxed));
        Sync::yield_point("readiness: added, nobody woken yet");
        wake_those_for(bits);
    }

    /// After a try that would have blocked: no `bits` any more, unless an event has come since `seen`. Threads: any.
    void give_up(std::uint64_t seen, std::uint64_t bits) noexcept {
        std::uint64_t now = word_.load(std::memory_order::relaxed);  // checked by the exchange
        do {
            if (tick_of(now) != tick_of(seen)) return;
            // Relaxed, both: it hands nothing on; later events are ordered behind it by the word.
        } while (
            !word_.compare_exchange_weak(now, now & ~bits, std::memory_order::relaxed, std::memory_order::relaxed));
    }

    /// True: `one` stands in the line of those who wait for `bits`, all of one direction, and `to_wake` will be woken. False: a look
    /// says that it is ready now; it stands in no line. Threads: any, one at a time for each waiter.
    bool wait(waiter& one, std::uint64_t bits, const Waker& to_wake) noexcept {
        Waker clone = to_wake;  // in the end the replaced one, dropped after the lock was given back
        const lock_scope guard(lock_);
        // Relaxed: the caller looks again. That the bits are seen at all is the lock's doing.
        if ((word_.load(std::memory_order::relaxed) & bits) != 0) {
            one.leave();
            return false;
        }
        if (one.is_alone()) ((bits & ready_bits::readable) != 0 ? readers_ : writers_).push_back(one);
        if (!one.waker.will_wake(clone)) std::swap(one.waker, clone);
        return true;
    }

    /// It waits no longer. Threads: as wait(). Its waker is the caller's to drop.
    void forget(waiter& one) noexcept {
        const lock_scope guard(lock_);
        one.leave();
    }

    /// The user leaves the place: events on their way are for nobody. Returns the generation of the next one, which begins
    /// with no bits. Threads: the user's, when nobody waits any more.
    std::uint32_t renew() noexcept {
        std::uint64_t seen = word_.load(std::memory_order::relaxed);  // checked by the exchange
        std::uint64_t next;
        do next = static_cast<std::uint64_t>(generation_of(seen) + 1) << generation_shift;
        // Relaxed, both: whoever comes next has the place from a lock.
        while (!word_.compare_exchange_weak(seen, next, std::memory_order::relaxed, std::memory_order::relaxed));
        return generation_of(next);
    }

private:
    static constexpr unsigned tick_shift = 8, generation_shift = 32;
    static constexpr std::uint64_t tick_mask = 0xffffff00;

    static constexpr std::uint64_t tick_of(std::uint64_t word) noexcept { return word & tick_mask; }
    static constexpr std::uint64_t ticked(std::uint64_t word) noexcept {
        return (word & ~tick_mask) | ((word + (std::uint64_t{1} << tick_shift)) & tick_mask);
    }

    void wake_those_for(std::uint64_t bits) noexcept {
        ring_links due;
        Waker woken;
        bool are_more = false;
        {
            const lock_scope guard(lock_);
            if ((bits & ready_bits::for_reading) != 0) due.take_all_of(readers_);
            if ((bits & ready_bits::for_writing) != 0) due.take_all_of(writers_);
            are_more = take_one(due, woken);
        }
        std::move(woken).wake();
        while (are_more) {
            {
                const lock_scope guard(lock_);  // they may have left meanwhile, or come back and stand in the line
                are_more = take_one(due, woken);
            }
            std::move(woken).wake();
        }
    }

    // True: there are more.
    static bool take_one(ring_links& due, Waker& woken) noexcept {
        if (due.is_alone()) return false;
        auto& one = static_cast<waiter&>(due.first());
        one.leave();
        woken = std::move(one.waker);
        return !due.is_alone();
    }

    typename Sync::template atomic<std::uint64_t> word_{0};
    typename Sync::short_lock lock_;
    // Guarded by it.
    ring_links readers_, writers_;
};

}  // namespace pollux::inline v0::detail

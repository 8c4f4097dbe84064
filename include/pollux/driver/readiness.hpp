// SPDX-License-Identifier: MIT
// What is known of one descriptor, and who waits for more: the word that the reactor adds events to and that operations look at. Nothing
// in it calls the system. tests/model/readiness_model.cpp runs this template under a model checker.
//
// The word: bits of what it is ready for; whether its user waits; a tick that counts the events; the generation of the user, for places are
// used again.
//
//   reactor, for an event:       (1) add the bits and count the tick, if the generation is that of the event, and take the marks of who
//                                waits for them; for each direction of these: (2) under the lock clone the user's waker, and take
//                                others out of their line; (3) wake them.
//   a user:                      (a) look at the word: ready; (b) try the operation: it would block; (c) give the bits up, if the
//                                tick is still that of (a); (d) look again: not ready; mark that it waits, in one step with that look.
//   one of others in a line:     the same, but (d) is under the lock: look once more, stand in the line, and mark that there is one.
// The user's waker stays where it is as long as it is the same one, so to wait again is one read-modify-write.
//
// The system (edge-triggered): an event comes whenever what was not ready has become so, some time after it.
// Claim 1, no event is lost: if the descriptor has become ready after (b), the user is woken, or sees the bits in (d).
// Proof. The event of that comes after (b), hence after (a), as does its (1). Is that before (c), the tick is another: (c) keeps the bits.
// Is it after (c), nobody gives its bits up but a user who has tried after it. So (d) sees the bits, or comes before (1), which then
// finds the mark: both are read-modify-writes of one word. The waker was stored before the mark, under the lock, and a place in the line
// was taken in the hold of the lock in which the mark was set: (2) sees them. Harvested before (b) but handed out after (c), an event
// makes one try too many: harmless. So does a mark of a user that does not wait any more.
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
    // Marks: somebody waits.
    static constexpr std::uint64_t read_awaited = 32, write_awaited = 64;
    // Stays: a read may stop although more is there (behind urgent data, passed descriptors, an error), so a short one says nothing.
    static constexpr std::uint64_t reads_stop_early = 128;
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
        const std::uint64_t marks = marks_for(bits);
        std::uint64_t seen = word_.load(std::memory_order::relaxed);  // checked by the exchange
        do {
            if (generation_of(seen) != generation) return;
            // Release: pairs with the acquire in look(). Relaxed on failure: nothing of it is read.
        } while (!word_.compare_exchange_weak(seen, (ticked(seen) | bits) & ~marks, std::memory_order::release,
                                              std::memory_order::relaxed));
        Sync::yield_point("readiness: added, nobody woken yet");
        if ((seen & marks) != 0) wake_those_of(seen & marks);
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

    /// True: the user waits for `bits`, all of one direction, and `to_wake` will be woken. False: a look says that it is ready now.
    /// Threads: the user's, one at a time for each direction.
    bool wait(std::uint64_t bits, const Waker& to_wake) noexcept {
        Waker& mine = user_[is_reading(bits) ? 0 : 1];
        // Only this side writes it, so it may be read without the lock.
        if (!mine.is_clone_of(to_wake)) {
            Waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
            const lock_scope guard(lock_);
            std::swap(mine, other);
        }
        return mark(bits);
    }

    /// The same for a user that has waited with a clone of `to_wake` before. False: it has not, or it is ready now.
    bool wait_again(std::uint64_t bits, const Waker& to_wake) noexcept {
        return user_[is_reading(bits) ? 0 : 1].is_clone_of(to_wake) && mark(bits);
    }

    /// The same as wait() for `one` of any number of others. False: it stands in no line. Threads: any, one at a time for each.
    bool wait(waiter& one, std::uint64_t bits, const Waker& to_wake) noexcept {
        Waker clone = to_wake;  // in the end the replaced one, dropped after the lock was given back
        const lock_scope guard(lock_);
        if (!mark(bits)) {
            one.leave();
            return false;
        }
        if (one.is_alone()) lines_[is_reading(bits) ? 0 : 1].push_back(one);
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
        Waker reader, writer;  // dropped after the lock was given back
        const lock_scope guard(lock_);
        std::swap(reader, user_[0]);
        std::swap(writer, user_[1]);
        return generation_of(next);
    }

private:
    static constexpr unsigned tick_shift = 8, generation_shift = 32;
    static constexpr std::uint64_t tick_mask = 0xffffff00;

    static constexpr std::uint64_t tick_of(std::uint64_t word) noexcept { return word & tick_mask; }
    static constexpr std::uint64_t ticked(std::uint64_t word) noexcept {
        return (word & ~tick_mask) | ((word + (std::uint64_t{1} << tick_shift)) & tick_mask);
    }

    static constexpr bool is_reading(std::uint64_t bits) noexcept { return (bits & ready_bits::readable) != 0; }
    static constexpr std::uint64_t marks_for(std::uint64_t bits) noexcept {
        return ((bits & ready_bits::for_reading) != 0 ? ready_bits::read_awaited : 0) |
               ((bits & ready_bits::for_writing) != 0 ? ready_bits::write_awaited : 0);
    }

    // False: it is ready, and there is no mark.
    bool mark(std::uint64_t bits) noexcept {
        const std::uint64_t awaited = is_reading(bits) ? ready_bits::read_awaited : ready_bits::write_awaited;
        std::uint64_t seen = word_.load(std::memory_order::relaxed);  // checked by the exchange
        do {
            if ((seen & bits) != 0) return false;
            // Relaxed, both: what was done before this was done under the lock, and whoever takes the mark locks it after us: had it locked
            // before, this would come after it, and it could not have seen the mark.
        } while (
            !word_.compare_exchange_weak(seen, seen | awaited, std::memory_order::relaxed, std::memory_order::relaxed));
        return true;
    }

    // One direction is what nearly every event is for, with its user only.
    void wake_those_of(std::uint64_t marks) noexcept {
        if (marks == ready_bits::read_awaited) return wake_one_direction<0>();
        if ((marks & ready_bits::read_awaited) != 0) wake_one_direction<0>();
        wake_one_direction<1>();
    }

    template <unsigned which>
    [[gnu::noinline]] void wake_one_direction() noexcept {
        bool are_others = false;
        Waker user = user_waker(which, are_others);
        if (are_others) [[unlikely]]
            return wake_with_others(std::move(user), which);
        std::move(user).wake();
    }

    Waker user_waker(unsigned which, bool& are_others) noexcept {
        const lock_scope guard(lock_);
        are_others = !lines_[which].is_alone();
        return user_[which];
    }

    [[gnu::noinline]] void wake_with_others(Waker user, unsigned which) noexcept {
        std::move(user).wake();
        ring_links due;
        {
            const lock_scope guard(lock_);
            due.take_all_of(lines_[which]);
        }
        for (Waker other; take_one(due, other);) std::move(other).wake();
    }

    // They may leave meanwhile, or come back and stand in their line. False: none is left.
    bool take_one(ring_links& due, Waker& woken) noexcept {
        const lock_scope guard(lock_);
        if (due.is_alone()) return false;
        auto& one = static_cast<waiter&>(due.first());
        one.leave();
        woken = std::move(one.waker);
        return true;
    }

    typename Sync::template atomic<std::uint64_t> word_{0};
    typename Sync::short_lock lock_;
    // Guarded by it.
    Waker user_[2];        // who reads, who writes; written by the user only
    ring_links lines_[2];  // the same for others
};

}  // namespace pollux::inline v0::detail

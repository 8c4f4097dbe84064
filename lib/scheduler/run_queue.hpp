// SPDX-License-Identifier: MIT
// The queue of one worker's spawned and woken tasks: a bounded ring, first in, first out. Its owner pushes and pops;
// other workers steal the older half of it at once, into their own. Called by the worker; when full it calls the
// injection queue.
//
// Items stand at the indices [head, tail), in slots of plain memory. Only the owner writes tail. head is one word: the
// index of the oldest item, and how many slots before it are in flight, claimed by a thief that has not yet read all.
// Owner: push  (1) no free slot, those in flight counted: overflow (a slot that was seen free stays free until the owner stores to
//              it, so it need not look each time); (2) store the slot; (3) tail + 1.
//        pop   (4) head + 1, and in flight + 1 unless it is zero: this slot is free only when those before it are.
// Thief: steal (a) load head; give up if some are in flight; (b) load tail; (c) by compare-exchange head + n and
//              in flight = n; (d) read n slots; (e) in flight = 0.
// Overflow, none in flight: (5) by compare-exchange head = tail: now every item is the owner's; (6) tail + half, which
//              shows the older half again, in the same slots; (7) the newer half and the new item leave in one batch.
// Overflow while some are in flight: the new item leaves alone.
//
// Claim: each item is taken once, and no slot is stored to while somebody reads it.
// Proof: an index is claimed by a change of head, and those have one order; (c) fails if head has changed since (a),
// for indices are too wide (48 bits) to come round during a steal. What (c) claims was stored, as (b) saw a tail beyond
// it. An old tail in (b) means fewer claimed, a tail newer than the head of (a) that (c) fails or the items are there.
// A slot is free in (1) only if the owner popped it, or a thief claimed it and gave it up in (e), after the reads.
// Races by name: "last item", "steal during overflow", "overflow during a steal", "pop during a steal", "index comes
// round", "robbed thief" (a thief whose own queue is robbed).
//
// Claim: a waiting task overflows at most once, and else only moves towards the front. Proof: only the newer half of a
// full queue overflows. A steal fills at most the older half of the thief's queue; whoever takes from the injection
// queue must do the same, see free_slots().
//
// In (5)-(6) the queue looks empty, and in (c)-(e) n items are in no queue. Whoever is doing it is awake, and has to
// see to a wake-up afterwards, as after any push: that covers them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

// 2 KiB of slots, and a batch of 1 KiB on the stack when it overflows. A guess, the same as Go's and Tokio's.
inline constexpr std::uint32_t run_queue_slots = 256;
// Bytes that two threads should not both write in: the line of every processor we know of.
inline constexpr std::size_t run_queue_line_bytes = 64;

/// Bounded queue of T*; `Capacity` is a power of two. It owns no item.
///
/// Threads: push, push_at_once, push_some, pop, free_slots by the owner; steal_into by the owner of its argument; size and looks_empty by any.
/// Source: a ring with two heads and batch stealing, as in Go's and Tokio's schedulers, overflow as in Tokio 1.52.
template <class T, class Sync = std_sync, std::uint32_t Capacity = run_queue_slots>
class run_queue {
    static_assert(Capacity >= 2 && (Capacity & (Capacity - 1)) == 0 && Capacity <= (1U << 15));

public:
    /// `first_index` is for tests.
    explicit run_queue(std::uint64_t first_index = 0) noexcept
        : head_(first_index << index_shift), tail_(first_index), free_until_(first_index + Capacity) {}

    run_queue(const run_queue&) = delete;
    run_queue& operator=(const run_queue&) = delete;

    /// Adds the newest item. Without room for it, it goes to `overflow`, together with the newer half of the queue if
    /// no thief is at work: push(T*), or push_batch(T**, std::size_t) oldest first, both noexcept.
    template <class Overflow>
    void push(T* item, Overflow&& overflow) noexcept {
        if (!push_at_once(item)) [[unlikely]]
            push_and_look<Overflow>(item, std::forward<Overflow>(overflow));
    }
    /// push() where there is room for sure. False: push() it.
    bool push_at_once(T* item) noexcept {
        const std::uint64_t tail = tail_.load(std::memory_order::relaxed);  // only the owner writes it
        if (static_cast<std::int64_t>(free_until_ - tail) <= 0) [[unlikely]]
            return false;
        append(item, tail);
        return true;
    }

    /// Adds up to `n` items, oldest first: as many as there is room for. Returns how many. One store shows them all.
    std::uint32_t push_some(T* const* items, std::uint32_t n) noexcept {
        const std::uint64_t tail = tail_.load(std::memory_order::relaxed);  // only the owner writes it
        if (static_cast<std::int64_t>(free_until_ - tail) < static_cast<std::int64_t>(n)) {
            // Pairs with the release that ends steal_into(): the thief has read the slots it gives up.
            const std::uint64_t head = head_.load(std::memory_order::acquire);
            free_until_ = tail + (Capacity - used(head, tail));
            n = std::min(n, static_cast<std::uint32_t>(free_until_ - tail));
        }
        for (std::uint32_t i = 0; i != n; ++i) slot(tail + i).store(items[i]);
        tail_.store(tail + n, std::memory_order::release);  // pairs with the acquire in steal_into(), as in append()
        return n;
    }

    /// Takes the oldest item. Null: empty.
    T* pop() noexcept {
        const std::uint64_t tail = tail_.load(std::memory_order::relaxed);  // only the owner writes it
        std::uint64_t head = head_.load(std::memory_order::relaxed);        // checked by the compare-exchange
        std::uint64_t popped;
        do {
            if (distance(head, tail) == 0) return nullptr;
            popped = head + one_index;
            if (in_flight(head) != 0) [[unlikely]]
                ++popped;
            // Relaxed: the owner stored this slot, and will store to it again. It shows nothing to thieves; the release
            // sequence of a thief's (e) goes on through it.
        } while (!head_.compare_exchange_weak(head, popped, std::memory_order::relaxed, std::memory_order::relaxed));
        return slot(head >> index_shift).load();
    }

    /// Takes the older half: returns the oldest item, to be run at once, and puts the others into `mine`, as many as
    /// keep it half empty. Null: empty, or another thief is at work here, or the owner came first: it is not worth a
    /// retry.
    T* steal_into(run_queue& mine) noexcept {
        const std::uint64_t my_tail = mine.tail_.load(std::memory_order::relaxed);  // only this thread writes it
        // Pairs with the release that ends a steal from `mine`: its thief has read the slots it gives up.
        const std::uint32_t my_used = used(mine.head_.load(std::memory_order::acquire), my_tail);
        std::uint64_t head = head_.load(std::memory_order::relaxed);  // checked by the compare-exchange
        // One thief per victim: a second would only halve what is left, and the count in head_ is one thief's.
        if (in_flight(head) != 0) return nullptr;
        // Pairs with the release stores of tail_: shows the slots before it, and their items.
        const std::uint32_t there = waiting(head, tail_.load(std::memory_order::acquire));
        if (there == 0) return nullptr;
        const std::uint32_t room = my_used < half ? half - my_used : 0;
        const std::uint32_t n = std::min(there - there / 2, room + 1);
        Sync::yield_point("run_queue: thief has counted, not yet claimed");
        const std::uint64_t claimed = head + n * one_index + n;
        // Relaxed: what is read next was shown by tail_, and a failure drops all that was read.
        if (!head_.compare_exchange_strong(head, claimed, std::memory_order::relaxed, std::memory_order::relaxed))
            return nullptr;
        const std::uint64_t first = head >> index_shift;
        T* const oldest = slot(first).load();
        for (std::uint32_t i = 1; i != n; ++i) mine.slot(my_tail + i - 1).store(slot(first + i).load());
        Sync::yield_point("run_queue: thief has read, claim not yet given up");
        // Pairs with the acquire in push() and in steal_into(): the slots were read. Only a thief writes these bits,
        // but the owner may have added to them since (c).
        head_.fetch_and(~in_flight_mask, std::memory_order::release);
        // Pairs with the acquire of a thief here: shows the slots, and the items.
        if (n != 1) mine.tail_.store(my_tail + (n - 1), std::memory_order::release);
        return oldest;
    }

    /// Items waiting, at some moment of the call. A caller that must not miss one fences before it asks: loads are
    /// relaxed.
    std::size_t size() const noexcept {
        const std::uint64_t head = head_.load(std::memory_order::relaxed);
        return waiting(head, tail_.load(std::memory_order::relaxed));
    }

    /// As size() == 0.
    bool looks_empty() const noexcept { return size() == 0; }

    /// Pushes that will not overflow; other threads can only add to it. Who moves waiting tasks here from elsewhere
    /// leaves half of the slots free, or they may overflow again and again.
    std::uint32_t free_slots() const noexcept {
        // Relaxed: an old head only makes it less, and push() acquires for itself.
        return Capacity - used(head_.load(std::memory_order::relaxed), tail_.load(std::memory_order::relaxed));
    }

private:
    // head_ is the index, modulo 2^48, above the number in flight, which is at most Capacity.
    static constexpr unsigned index_shift = 16;
    static constexpr std::uint64_t one_index = std::uint64_t{1} << index_shift;
    static constexpr std::uint64_t in_flight_mask = one_index - 1;
    static constexpr std::uint32_t half = Capacity / 2;

    using cell = typename Sync::template cell<T*>;

    static std::uint32_t in_flight(std::uint64_t head) noexcept {
        return static_cast<std::uint32_t>(head & in_flight_mask);
    }

    // Items in [head, tail), in which the owner sees no more than fit and no fewer than none.
    static std::int64_t distance(std::uint64_t head, std::uint64_t tail) noexcept {
        return static_cast<std::int64_t>((tail << index_shift) - (head & ~in_flight_mask)) >> index_shift;
    }

    // As distance(), by a thread that may have loaded them at different times: none if tail is the older one, and never
    // more than fit.
    static std::uint32_t waiting(std::uint64_t head, std::uint64_t tail) noexcept {
        return static_cast<std::uint32_t>(std::clamp(distance(head, tail), std::int64_t{0}, std::int64_t{Capacity}));
    }

    // Slots that the owner may not store to.
    static std::uint32_t used(std::uint64_t head, std::uint64_t tail) noexcept {
        return static_cast<std::uint32_t>(distance(head, tail)) + in_flight(head);
    }

    cell& slot(std::uint64_t index) noexcept { return slots_[static_cast<std::size_t>(index % Capacity)]; }

    void append(T* item, std::uint64_t tail) noexcept {
        slot(tail).store(item);
        tail_.store(tail + 1, std::memory_order::release);  // pairs with the acquire in steal_into(): slot and item
    }

    // How far slots are free is looked up once in many pushes: whatever was free stays so until the owner stores to it.
    template <class Overflow>
    [[gnu::noinline]] void push_and_look(T* item, Overflow overflow) noexcept {
        const std::uint64_t tail = tail_.load(std::memory_order::relaxed);  // only the owner writes it
        // Pairs with the release that ends steal_into(): the thief has read the slots it gives up.
        const std::uint64_t head = head_.load(std::memory_order::acquire);
        const std::uint32_t in_use = used(head, tail);
        if (in_use == Capacity) return push_when_full(item, head, tail, overflow);
        free_until_ = tail + (Capacity - in_use);
        append(item, tail);
    }

    template <class Overflow>
    [[gnu::noinline, gnu::cold]] void push_when_full(T* item, std::uint64_t head, std::uint64_t tail,
                                                     Overflow& overflow) noexcept {
        if (in_flight(head) != 0) return overflow.push(item);  // a thief is making room: little is to be gained
        const std::uint64_t emptied = tail << index_shift;
        Sync::yield_point("run_queue: full, nothing claimed yet");
        // Relaxed: the slots that it claims were stored by the owner. A failure means that a thief has come, so there
        // is room soon, or now: the new item goes alone or into the ring, as it would have a moment later.
        if (!head_.compare_exchange_strong(head, emptied, std::memory_order::relaxed, std::memory_order::relaxed))
            return push(item, overflow);
        std::array<T*, half + 1> batch;
        for (std::uint32_t i = 0; i != half; ++i) batch[i] = slot(tail + half + i).load();
        batch[half] = item;
        tail_.store(tail + half, std::memory_order::release);  // pairs with the acquire in steal_into(), as in append()
        overflow.push_batch(batch.data(), batch.size());
    }

    // The owner writes, and thieves.
    alignas(run_queue_line_bytes) typename Sync::template atomic<std::uint64_t> head_;
    // The owner writes; thieves read.
    alignas(run_queue_line_bytes) typename Sync::template atomic<std::uint64_t> tail_;
    // The owner's. Slots from tail_ to here are free; steal_into() may have moved tail_ beyond it.
    std::uint64_t free_until_;
    // The owner writes where no item and no claim is; who has claimed a slot reads it.
    alignas(run_queue_line_bytes) std::array<cell, Capacity> slots_;
};

}  // namespace pollux::inline v0::detail

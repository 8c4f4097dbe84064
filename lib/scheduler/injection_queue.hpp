// SPDX-License-Identifier: MIT
// The queue through which tasks come to the workers from outside: spawns and wakes of foreign threads, and what
// overflows from a worker's run queue. Pushed to by any thread, popped by workers; calls nothing but its rings. It
// wakes nobody: who pushes calls idle_set::after_push() next.
//
// Shards, so that threads do not meet. A producer keeps to one shard, chosen by its thread; a consumer begins at the
// shard of its own index and goes round, and each `rounds_at_home`th time begins at another one, so that no shard waits
// for ever behind one that never runs dry.
//
// A shard is a ring for a few items and, for many at once and for a crowd, a stack linked through T::next. So a push never fails and never
// allocates. In the ring an item is there for the next consumer as it is, but producer and consumer write the same lines for each item; from the
// stack a consumer takes all there are by one exchange. Words of a shard:
//   size_        items in the shard, wherever they are. Raised before an item comes in, lowered after it was taken out
//   overflowed_  items that go round the ring: in `arrivals_` or in `waiting_`
//   arrivals_    the stack, newest on top
//   waiting_     what a consumer took from the stack, turned round and left, oldest first; guarded by is_taking_
// push:   (1) raise size_; (2) not more than MostInRing then, and overflowed_ zero: into the ring; (3) else, or when it is full
//         (one of MostInRing is not, but Boost's may say so): raise overflowed_, then onto the stack.
// pop:    (4) from the ring; (5) ring empty, overflowed_ not zero: whoever sets is_taking_ (the others go on, they never wait)
//         takes over the stack if waiting_ is empty, looks into the ring once more, then takes the first ones of waiting_; only
//         then it lowers overflowed_.
//
// Claims, and why they hold
// - Nothing is lost or taken twice: an item has one place at a time. Only the exchange of the whole stack takes from it
//   (so no pop of single nodes, no reused node in between), and only the holder of is_taking_ touches what that yields.
// - Order: of two items that one thread pushed with the same producer number, the one pushed first is taken out first.
//   Both in the ring: the ring's order. First in the ring, second overflowed: after it took the second from the stack,
//   (5) finds the ring empty; it would find the first there. Both overflowed: the stack is turned round, and there is
//   one taker at a time. First overflowed, second in the ring: (2) saw zero, so whoever took the first had done so.
//   Between producers nothing is promised.
// - Nobody starves: while overflowed_ is not zero, pushes go to the stack, so the ring runs empty and (5) comes. A push
//   that was already past (2) can still get in: one call for each thread. An item is out after the items that stood
//   before it in its shard and those, times shards times rounds_at_home pops with one hint at the most; pops that
//   another taker sends on empty-handed are not counted.
// - looks_empty() answers true only if each item whose push happened before the caller's preceding fence has been taken
//   out. size_ then reads the raise of (1), or something later. Each lowering comes after the raise of the same item
//   (the item carries that order), so a zero there means that all raised up to then were taken, this one among them.
// Named races. A push stopped by the kernel between (1) and (2), or a taker half-way, keeps what it holds from the
// others until it runs on: pop() may answer null while looks_empty() says false, so nobody parks over an item; yield
// and look again. In a crowd that is all of a shard. Turning the stack round is one pass over what overflowed since the last time, one cache
// miss an item at worst; while the list fits the cache it spares their polls that miss.
#pragma once

#include <pthread.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pollux/core/sync_policy.hpp"
#include "scheduler/injection_ring.hpp"

namespace pollux::inline v0::detail {

/// A queue of `T*` that any thread may push to and any pop from. `T` has a link `T* next`, which is the queue's while
/// the item is in it: who pushes it again does so behind that pop. `Ring` is a bounded queue with `bool push(T*)` and
/// `T* pop()`. Owns nothing: drain it before it goes.
///
/// A shard with more than `MostInRing` items takes what comes on its stack: there an item costs two read-modify-writes instead of three, and
/// a line that its consumer writes once for many. A thread that spawns as fast as a worker polls took 1.8 times as long when all went
/// through the ring until it was full. The number is a guess: 4, 8, 16 and 32 are alike.
///
/// Threads: all operations from any thread at any time. Lock-free: a push never waits for another thread.
template <class T, class Sync = std_sync, std::size_t MostInRing = 4, class Ring = injection_ring<T, MostInRing>>
class injection_queue {
public:
    /// `shards` is rounded up to a power of two.
    explicit injection_queue(unsigned shards)
        : mask_(std::bit_ceil(shards == 0 ? 1u : shards) - 1), shards_(new shard[std::size_t{mask_} + 1]) {}
    injection_queue(const injection_queue&) = delete;
    injection_queue& operator=(const injection_queue&) = delete;
    ~injection_queue() = default;

    /// Cost: one read-modify-write, and a push to the ring or two read-modify-writes.
    void push(T* item) noexcept { push(item, this_thread()); }
    /// The same for a caller that has a number of its thread's at hand.
    void push(T* item, unsigned producer) noexcept { push_items(&item, 1, producer); }

    /// Like `n` pushes in this order, into one shard.
    void push_batch(T** items, std::size_t n) noexcept { push_batch(items, n, this_thread()); }
    void push_batch(T** items, std::size_t n, unsigned producer) noexcept {
        if (n != 0) push_items(items, n, producer);
    }

    /// Takes one item, beginning at the shard of `hint` (a worker's index). Null: each shard was empty when it was
    /// looked at, or another thread was just moving its items; looks_empty() tells the two apart.
    T* pop(unsigned hint) noexcept {
        T* item = nullptr;
        pop_batch(hint, &item, 1);
        return item;
    }

    /// Takes up to `max` items, from as few shards as will do. Returns how many.
    std::size_t pop_batch(unsigned hint, T** out, std::size_t max) noexcept {
        const unsigned first = first_shard(hint);
        std::size_t n = 0;
        for (unsigned i = 0; i <= mask_ && n != max; ++i) {
            shard& s = shards_[(first + i) & mask_];
            // Relaxed: a stale zero is found out next time, and not behind a fence (see looks_empty).
            if (s.size_.load(std::memory_order::relaxed) == 0) continue;
            const std::size_t before = n;
            while (n != max) {
                const std::size_t taken = take(s, out + n, max - n);
                if (taken == 0) break;
                n += taken;
            }
            // Relaxed: taking the item has ordered this behind its raise.
            if (n != before) s.size_.fetch_sub(n - before, std::memory_order::relaxed);
        }
        return n;
    }

    /// True: every item whose push happened before the caller's last fence has been taken out. That is what a worker
    /// asks behind the fence of idle_set::announce_sleep().
    bool looks_empty() const noexcept {
        for (unsigned i = 0; i <= mask_; ++i)
            if (shards_[i].size_.load(std::memory_order::relaxed) != 0) return false;  // relaxed: the caller has fenced
        return true;
    }

    /// Items in the queue, each shard counted at its own moment.
    std::size_t approximate_size() const noexcept {
        std::size_t n = 0;
        for (unsigned i = 0; i <= mask_; ++i) n += shards_[i].size_.load(std::memory_order::relaxed);  // a snapshot
        return n;
    }

    unsigned shards() const noexcept { return mask_ + 1; }

private:
    template <class U>
    using atomic = typename Sync::template atomic<U>;

    // Two cache lines: processors fetch them in pairs.
    static constexpr std::size_t apart = 128;
    // Of so many pops one begins at a shard that is not the caller's own. A guess.
    static constexpr unsigned rounds_at_home = 8;

    struct shard {
        // Written by each push and pop.
        alignas(apart) atomic<std::size_t> size_{0};
        // Written by what goes round the ring; read by each push.
        alignas(apart) atomic<std::size_t> overflowed_{0};
        atomic<T*> arrivals_{nullptr};
        atomic<bool> is_taking_{false};
        typename Sync::template cell<T*> waiting_{nullptr};
        // Written by the consumers whose own shard this is.
        alignas(apart) atomic<unsigned> turn_{0};
        alignas(apart) Ring ring_;
    };

    static unsigned this_thread() noexcept {
        // The address of the thread's descriptor; its middle bits, once multiplied, differ from thread to thread.
        return static_cast<unsigned>((static_cast<std::uint64_t>(::pthread_self()) * 0x9e3779b97f4a7c15u) >> 40);
    }

    unsigned first_shard(unsigned hint) noexcept {
        if (mask_ == 0) return 0;
        // Relaxed: it counts and orders nothing.
        const unsigned turn = shards_[hint & mask_].turn_.fetch_add(1, std::memory_order::relaxed);
        return turn % rounds_at_home == 0 ? turn / rounds_at_home : hint;
    }

    // Inlined: for one item it is half as long.
    [[gnu::always_inline]] inline void push_items(T** items, std::size_t n, unsigned producer) noexcept {
        shard& s = shards_[producer & mask_];
        // Before the items are there: whoever takes one lowers it again. Relaxed: the item itself carries the order.
        const std::size_t now = s.size_.fetch_add(n, std::memory_order::relaxed) + n;
        Sync::yield_point("injection_queue: counted, not yet there");
        std::size_t i = 0;
        // Acquire: pairs with the release in take_overflowed(). Zero: what this thread saw overflow has been taken out before ours.
        if (now <= MostInRing && s.overflowed_.load(std::memory_order::acquire) == 0)
            while (i != n && s.ring_.push(items[i])) ++i;
        if (i != n) overflow(s, items + i, n - i);
    }

    // items[0] is the oldest. One chain, the newest on top: it comes out in order once the stack is turned round.
    [[gnu::always_inline]] inline void overflow(shard& s, T** items, std::size_t n) noexcept {
        // Relaxed: only this thread has to find it raised, in its next push; take_overflowed() lowers it after taking the items.
        s.overflowed_.fetch_add(n, std::memory_order::relaxed);
        for (std::size_t i = 1; i != n; ++i) items[i]->next = items[i - 1];
        T* top = s.arrivals_.load(std::memory_order::relaxed);  // the exchange below checks it
        do items[0]->next = top;
        // Release: pairs with the acquire exchange in take_overflowed(), shows the links and the tasks. Relaxed on failure:
        // another push came first, nothing of it is read.
        while (!s.arrivals_.compare_exchange_weak(top, items[n - 1], std::memory_order::release,
                                                  std::memory_order::relaxed));
    }

    // At least one if there is one, and up to `max`.
    std::size_t take(shard& s, T** out, std::size_t max) noexcept {
        out[0] = s.ring_.pop();
        if (out[0] != nullptr) return 1;
        // Relaxed: a hint. A stale zero is found out next time; looks_empty() does not ask it.
        if (s.overflowed_.load(std::memory_order::relaxed) == 0) return 0;
        return take_overflowed(s, out, max);
    }

    std::size_t take_overflowed(shard& s, T** out, std::size_t max) noexcept {
        // Acquire: pairs with the release at the end of this function, shows waiting_ as the last one left it.
        if (s.is_taking_.exchange(true, std::memory_order::acquire)) return 0;
        Sync::yield_point("injection_queue: taking what overflowed");
        T* next = s.waiting_.load();
        if (next == nullptr) next = turned_round(s);
        std::size_t n = 0;
        // re-check: behind the taking of the stack; the ring may have got items older than those since take() looked.
        out[0] = s.ring_.pop();
        if (out[0] != nullptr) {
            n = 1;
        } else if (next != nullptr) {
            for (; next != nullptr && n != max; next = next->next) out[n++] = next;
            // Release: pairs with the acquire in push_items().
            s.overflowed_.fetch_sub(n, std::memory_order::release);
        }
        s.waiting_.store(next);
        // Release: pairs with the acquire exchange above.
        s.is_taking_.store(false, std::memory_order::release);
        return n;
    }

    // Takes all arrivals; the oldest comes first in what is returned.
    T* turned_round(shard& s) noexcept {
        T* rest = s.arrivals_.exchange(nullptr, std::memory_order::acquire);  // pairs with the release in overflow()
        T* list = nullptr;
        while (rest != nullptr) {
            T* const after = rest->next;
            rest->next = list;
            list = rest;
            rest = after;
        }
        return list;
    }

    const unsigned mask_;
    const std::unique_ptr<shard[]> shards_;
};

}  // namespace pollux::inline v0::detail

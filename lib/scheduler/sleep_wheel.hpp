// SPDX-License-Identifier: MIT
// The sleeps of one worker, in a hierarchical timer wheel. Each worker has its own with its own lock, so no lock is shared by all. A
// sleep is armed by any thread, fired by the worker whose wheel it is or who stands in for that, and taken out where its future is
// dropped.
//
// Time is counted in ticks since the clock's epoch, a deadline rounded up and the time rounded down: nothing fires early, and nothing is
// held up for longer than one tick. Level L has a slot for each value of the L-th group of six bits of a tick. A sleep stands at the level of
// the highest group in which its tick differs from `elapsed_`, which is the tick up to which all has fired.
//   Claim: whatever stands at a level is due before all that stands higher, and the lowest bit of a level's bitmap is its earliest slot.
//   Proof: the groups above L of a sleep at level L are those of elapsed_, and its group L is larger (at level 0: or the same). This holds
//   when it is put there. elapsed_ moves at most to the beginning of the earliest slot, whose sleeps are then put lower; until it has
//   come there it keeps the groups above L, and group L stays the smaller one.
// What is armed stands in a list of its own until somebody who serves the wheel looks at it: a timeout that is dropped before costs no
// search for its slot. So arming and dropping take the same few steps whatever else is armed, and a sleep is moved at most once for each
// level. A slot keeps the order of arming; sleeps are put lower, and sorted when they are due, in ways that keep it. So those that fire
// together fire in the order of their deadlines, equal ones in the order of arming, and no address decides.
//
// The entry stands in the future, which does not move after its first poll. Who may touch what of it:
//   - the poll that arms it, before it is armed: all;
//   - with the lock, while it is armed: the wheel, and who takes it out. What the poll has stored as its waker and deadline is not written
//     by the wheel, so polls, which are one at a time, may read that without the lock;
//   - `state` leaves `armed` with the lock held, and that is the wheel's last access to the entry: the release pairs with the acquires in
//     poll(). The words of its waker are the wheel's from then on.
// A drop therefore takes the lock, and finds the entry armed, and takes it out; or finds it fired, and nobody knows it any more. No entry
// is left for others to reap, so nothing is left behind.
// A plain lock, not an inbox for other threads: where the worker itself arms and drops it costs 10 ns, and a drop elsewhere 10 ns and
// the way of a cache line; the future's memory goes with the drop, so an inbox would need memory of its own for each sleep.
//
// Who serves a wheel says until when it rests. Whoever arms something earlier has to wake it; while all who serve it are awake nobody
// has to, for they look at the wheel, with the lock, before they rest.
//
// A wheel lives until its runtime has given it up and the last entry that was armed in it has left. Both happen with the lock held, so
// counting takes no read-modify-write of its own, and who sees both is the last one to know the wheel.
// Wakers are cloned, called and dropped outside of the lock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class sleep_wheel;

enum class sleep_state : std::uint8_t { idle, armed, fired, cancelled };

// Without a value until it is armed.
struct sleep_entry {
    // Written by the polls of its future.
    std::chrono::steady_clock::time_point deadline;
    sleep_wheel* wheel;
    // Of a waker, which is the wheel's as soon as the entry is not armed.
    void* wake_data;
    const waker_table* wake_table;
    // With the lock, while it is armed.
    sleep_entry* next;
    sleep_entry** link;  // what points to it
    std::uint16_t slot;
    std::atomic<sleep_state> state;
};

class sleep_wheel {
public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::size_t all = ~std::size_t{0};

    /// `tick` is positive; `index`: of the worker whose wheel it is.
    sleep_wheel(unsigned index, std::chrono::nanoseconds tick) noexcept;
    sleep_wheel(const sleep_wheel&) = delete;
    sleep_wheel& operator=(const sleep_wheel&) = delete;

    /// Of a runtime: gives it up. It has been closed, or nothing was ever armed.
    struct retire {
        void operator()(sleep_wheel* given_up) const noexcept;
    };
    using owner = std::unique_ptr<sleep_wheel, retire>;

    unsigned index() const noexcept { return index_; }

    /// A new entry. True: those who serve the wheel are to be woken, for one rests perhaps for too long. Throws: task_cancelled if the wheel
    /// is closed.
    bool arm(sleep_entry& entry, time_point deadline, const waker& to_wake);
    /// A poll of an entry: what it has come to; while it is armed, `to_wake` is whom to wake.
    static sleep_state poll(sleep_entry& entry, const waker& to_wake) noexcept;
    /// Takes it out. Its waker, or an empty one if it is not armed. Afterwards nobody touches the entry.
    static waker disarm(sleep_entry& entry) noexcept;
    /// The same, and the last use of the entry: its wheel may go.
    static void leave(sleep_entry& entry) noexcept;

    /// Wakes what is due, in the order of deadlines, but not more than `most`: the rest stays due. Called by those who serve the wheel.
    void fire(time_point now, std::size_t most = all) noexcept;
    /// Until when the caller, who serves the wheel, may rest: until there is something to fire, but perhaps only something that was
    /// dropped. time_point::max(): for ever. Whoever arms something earlier is told to wake it.
    time_point begin_rest() noexcept;
    /// The caller is awake again.
    void end_rest() noexcept;
    /// The runtime ends: what is armed is woken, and its poll answers `cancelled`.
    void close() noexcept;

    /// Sleeps that are armed. Threads: any.
    std::size_t size() const noexcept;
    /// Nothing is armed, as far as this thread can see; true only if no future has an entry. Threads: any.
    bool looks_unused() const noexcept {
        return entries_.load(std::memory_order::relaxed) == 0;  // begin_rest() looks again, with the lock
    }

private:
    static constexpr unsigned group_bits = 6, slots_of_level = 1u << group_bits;
    static constexpr unsigned levels = 11;                              // for any 64 bits
    static constexpr std::uint16_t due_slot = levels * slots_of_level;  // no bitmap shows it
    static constexpr std::uint16_t no_slot = due_slot + 1;              // it is new
    static constexpr std::uint64_t no_tick = ~std::uint64_t{0};

    struct slot {
        sleep_entry* first = nullptr;
        sleep_entry** end = &first;  // where the next one goes
        std::uint64_t least = 0;     // no tick of its sleeps is below
    };

    ~sleep_wheel() = default;

    std::uint64_t tick_behind(time_point deadline) const noexcept;
    std::uint64_t tick_before(time_point now) const noexcept;
    void end_until(std::uint64_t now, sleep_state become, std::size_t most) noexcept;

    // With the lock.
    void push_new(sleep_entry& entry) noexcept;
    void put_new() noexcept;
    void put(sleep_entry& entry, std::uint64_t tick) noexcept;
    void take_out(sleep_entry& entry) noexcept;
    static sleep_entry* take_all(slot& from) noexcept;
    bool advance(std::uint64_t now) noexcept;
    void make_due(sleep_entry* oldest) noexcept;
    void append_due(sleep_entry* earliest) noexcept;
    void count_entries(std::size_t now) noexcept { entries_.store(now, std::memory_order::relaxed); }
    static waker waker_of(const sleep_entry& entry) noexcept { return waker(entry.wake_data, entry.wake_table); }

    void last_has_left(sleep_entry& entry) noexcept;
    void is_empty(unsigned index) noexcept;
    [[noreturn]] static void refuse();
    static void destroy(sleep_wheel& last) noexcept;

    const std::uint64_t tick_ns_;
    const unsigned index_;
    mutable short_lock lock_;
    // Guarded by it.
    bool is_closed_ = false;
    bool is_retired_ = false;
    unsigned resting_ = 0;                        // of those who serve it
    time_point rests_until_ = time_point::min();  // the longest of them, or later; min(): none, or they are being woken
    std::atomic<std::size_t> entries_{0};         // that have not left; read by anybody
    std::size_t gone_ = 0;                        // those of them that are not armed any more
    std::uint64_t elapsed_ = 0;
    std::uint32_t levels_in_use_ = 0;          // a bit for each
    std::uint64_t slots_in_use_[levels] = {};  // a bit for each
    slot slots_[levels * slots_of_level + 1];  // those of the levels; what is due, in order
    sleep_entry* newest_ = nullptr;            // of those that are in none yet
};

// These are most of what a timeout costs that is dropped before it is over.

inline void sleep_wheel::push_new(sleep_entry& entry) noexcept {
    entry.next = newest_;
    entry.link = &newest_;
    entry.slot = no_slot;
    if (newest_ != nullptr) newest_->link = &entry.next;
    newest_ = &entry;
}

inline void sleep_wheel::take_out(sleep_entry& entry) noexcept {
    *entry.link = entry.next;
    if (entry.next != nullptr)
        entry.next->link = entry.link;
    else if (entry.slot != no_slot)
        last_has_left(entry);
}

[[gnu::always_inline]] inline bool sleep_wheel::arm(sleep_entry& entry, time_point deadline, const waker& to_wake) {
    waker clone(to_wake);
    const lock_scope guard(lock_);
    if (is_closed_) [[unlikely]]
        refuse();
    count_entries(entries_.load(std::memory_order::relaxed) + 1);
    entry.wheel = this;
    entry.deadline = deadline;
    entry.wake_data = clone.data();
    entry.wake_table = clone.table();
    clone.forget();
    // Relaxed: read by polls of the same future, and with the lock.
    entry.state.store(sleep_state::armed, std::memory_order::relaxed);
    push_new(entry);
    if (deadline >= rests_until_) [[likely]]
        return false;
    rests_until_ = time_point::min();  // the caller wakes all of them, once
    return true;
}

[[gnu::always_inline]] inline void sleep_wheel::leave(sleep_entry& entry) noexcept {
    sleep_wheel& wheel = *entry.wheel;
    waker dropped;  // after the lock
    bool is_last = false;
    {
        const lock_scope guard(wheel.lock_);
        if (entry.state.load(std::memory_order::relaxed) == sleep_state::armed) {  // with the lock
            wheel.take_out(entry);
            dropped = waker_of(entry);
        } else {
            --wheel.gone_;
        }
        const std::size_t left = wheel.entries_.load(std::memory_order::relaxed) - 1;
        wheel.count_entries(left);
        is_last = left == 0 && wheel.is_retired_;
    }
    if (is_last) [[unlikely]]
        destroy(wheel);
}

}  // namespace pollux::inline v0::detail

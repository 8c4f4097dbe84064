// SPDX-License-Identifier: MIT
// The deque of one worker's fork points: its owner pushes and pops the newest, other workers steal the oldest. Called
// by fork_join (push, pop_own, and the two halves of each), by the worker's loop (pop) and by workers that search (looks_empty, steal).
// In a public header because a fork inlines push_if_room and pop_own_if_more.
//
// Items stand at the indices [top, bottom) of a ring; an index is never used again once top has passed it.
// Owner:  push  (1) store the slot; (2) bottom + 1.
//         pop   (a) bottom - 1; (b) fence; (c) load top: below bottom, the item is ours; equal, move it as in (h).
// Thief:  steal (d) load top; (e) fence; (f) load bottom; (g) load ring and slot; (h) move top by one: it is ours.
//
// Claim: each item pushed is taken once.
// Proof: two thieves, or thief and owner at the last item: both move top from one index, a compare-exchange decides.
// Owner taking index i without moving top, thief with the same i: the thief read top == i in (d) and bottom > i in (f),
// so not the owner's store (a). The fences have one order. (b) before (e): (f) would see (a). (e) before (b): (c) sees
// at least the top of (d), which is i, equal to bottom: the owner does not take i without moving top. Later pushes
// reuse index i only after such a pop, so the same argument says that no thief takes what stood there before.
// A thief may load a slot that the owner overwrites, but only if top has moved on: (h) fails and the value is dropped.
// Growth copies the items to a ring of twice the size. Old rings live as long as the deque: a thief may be reading one.
// Its slots keep what they held, so (g) finds the item of an index in every ring that ever held it.
// Races by name: "last item", "growth during a steal", "slot reused during a steal", "pop and push during a steal".
//
// The owner's stores to bottom are all release, those of pop too: a thief may read bottom from any of them, and since
// C++20 a store ends the release sequence of the one before it, even in the same thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

// Bytes that two threads should not both write in: the line of every processor we know of.
inline constexpr std::size_t fork_deque_line_bytes = 64;
// Slots of a new deque: deeper than most forks nest (2 KiB), so that few deques ever grow. A guess.
inline constexpr std::int64_t fork_deque_first_slots = 256;
// Slots beyond which a push fails as it does for lack of memory: 32 GiB of them, an endless recursion.
inline constexpr std::int64_t fork_deque_most_slots = std::int64_t{1} << 32;

/// Chase-Lev deque of T*, growing, with a fence in pop that costs nothing if `asymmetric`.
///
/// Threads: push, pop, pop_own, their halves and owner_sees_empty by the owner, which may change if the change synchronizes;
/// looks_empty and steal by any. No steal may be under way when it is destroyed.
/// Source: Chase and Lev, "Dynamic circular work-stealing deque" (2005); orders after Le et al., "Correct and efficient
/// work-stealing for weak memory models" (2013), weakened where the proof above does not need them.
template <class T, class Sync = std_sync, std::int64_t MostSlots = fork_deque_most_slots>
class fork_deque {
    using slot = typename Sync::template atomic<T*>;

    struct alignas(fork_deque_line_bytes) ring {
        ring(std::int64_t slot_count, ring* older_ring) : mask(slot_count - 1), older(older_ring) {}
        slot& at(std::int64_t index) noexcept { return slots()[index & mask.load()]; }
        slot* slots() noexcept { return reinterpret_cast<slot*>(this + 1); }

        typename Sync::template cell<std::int64_t> mask;
        ring* older;
    };

public:
    /// `asymmetric`: a pop fences by light_fence and a steal by heavy_fence, else both by full_fence. `first_slots` is
    /// a power of two; `first_index` is for tests. Throws: std::bad_alloc.
    explicit fork_deque(bool asymmetric, std::int64_t first_slots = fork_deque_first_slots,
                        std::int64_t first_index = 0)
        : top_(first_index),
          bottom_(first_index),
          slots_(nullptr),
          mask_(first_slots - 1),
          limit_(first_index + first_slots),
          ring_(make_ring(first_slots, nullptr)),
          asymmetric_(asymmetric) {
        ring* const first = ring_.load(std::memory_order::relaxed);  // nobody else knows the deque yet
        if (first == nullptr) throw std::bad_alloc();
        slots_ = first->slots();
    }

    ~fork_deque() {
        for (ring* r = ring_.load(std::memory_order::relaxed); r != nullptr;) {  // nobody else uses it any more
            ring* const older = r->older;
            const std::int64_t count = r->mask.load() + 1;
            for (std::int64_t i = 0; i != count; ++i) r->slots()[i].~slot();
            r->~ring();
            ::operator delete(r, std::align_val_t{alignof(ring)});
            r = older;
        }
    }

    fork_deque(const fork_deque&) = delete;
    fork_deque& operator=(const fork_deque&) = delete;

    /// Adds the newest item. False: the deque is full and no memory for more was to be had; nothing has changed.
    [[nodiscard]] bool push(T* item) noexcept {
        return push_if_room(item) || push_when_full(item, bottom_.load(std::memory_order::relaxed));
    }
    /// The first half of it. False: the other half is to be tried by push().
    [[nodiscard, gnu::always_inline]] bool push_if_room(T* item) noexcept {
        const std::int64_t bottom = bottom_.load(std::memory_order::relaxed);  // only the owner writes it
        if (bottom == limit_) [[unlikely]]
            return false;
        append(item, bottom);
        return true;
    }

    /// Takes the newest item. Null: empty.
    T* pop() noexcept {
        const std::int64_t bottom = hide_newest(asymmetric_);
        // Relaxed: the fence in hide_newest() orders the load of top, and the slot was stored by this thread.
        if (top_.load(std::memory_order::relaxed) < bottom) [[likely]]
            return slots_[bottom & mask_].load(std::memory_order::relaxed);
        return pop_last(bottom);
    }

    /// As pop(), for an owner that knows which item stands there if any does. True: it got it.
    bool pop_own() noexcept { return pop_own_if_more(asymmetric_) || pop_own_last(); }
    /// Its first half, by who knows `asymmetric`. False: the other half is to follow, the item may be the last one.
    [[nodiscard, gnu::always_inline]] bool pop_own_if_more(bool asymmetric) noexcept {
        const std::int64_t bottom = hide_newest(asymmetric);
        return top_.load(std::memory_order::relaxed) < bottom;  // ordered by the fence, as in pop()
    }
    /// The other half: only behind a pop_own_if_more() that was false, with nothing between.
    bool pop_own_last() noexcept {
        return take_last(bottom_.load(std::memory_order::relaxed));  // only the owner writes it
    }

    /// True: it is empty, and stays so until the owner pushes. False may be late: the last item may just be stolen.
    bool owner_sees_empty() const noexcept {
        // Relaxed: top only grows, so an old value can only turn true into false.
        return top_.load(std::memory_order::relaxed) >= bottom_.load(std::memory_order::relaxed);
    }

    /// For searching workers. A caller that must not miss an item fences before it asks: the loads are relaxed.
    bool looks_empty() const noexcept {
        return top_.load(std::memory_order::relaxed) >= bottom_.load(std::memory_order::relaxed);
    }

    /// Takes the oldest item. Null: empty, or somebody else took it. Cost: asymmetric, a system call and an interrupt
    /// of each running worker once work was seen, so back off after a null.
    T* steal() noexcept {
        // Relaxed: the fence below orders the load of top, and this first look at bottom only saves that fence.
        std::int64_t top = top_.load(std::memory_order::relaxed);
        if (top >= bottom_.load(std::memory_order::relaxed)) return nullptr;
        if (asymmetric_) {
            Sync::heavy_fence();  // pairs with the light_fence in hide_newest()
        } else {
            Sync::full_fence();  // pairs with the full_fence in hide_newest()
        }
        // Pairs with the owner's release stores of bottom: shows the slots below it, their items, and the ring.
        if (top >= bottom_.load(std::memory_order::acquire)) return nullptr;  // re-check: after the fence
        // Pairs with the release in grow(): bottom may be from before a growth and the ring from after it.
        ring* const current = ring_.load(std::memory_order::acquire);
        // Relaxed: stored before the bottom or the ring that was acquired above.
        T* const item = current->at(top).load(std::memory_order::relaxed);
        Sync::yield_point("fork_deque: slot read, not yet claimed");
        // Release pairs with the acquire in push_when_full(): the slot has been read and may be stored to. A failure
        // drops all that was read. Neither says anything about memory beyond the slot, so neither acquires.
        const bool is_ours =
            top_.compare_exchange_strong(top, top + 1, std::memory_order::release, std::memory_order::relaxed);
        return is_ours ? item : nullptr;
    }

private:
    // Steps (1) and (2).
    void append(T* item, std::int64_t bottom) noexcept {
        slots_[bottom & mask_].store(item, std::memory_order::relaxed);  // shown by the next line
        bottom_.store(bottom + 1, std::memory_order::release);  // pairs with the acquire in steal(): slot, item
    }

    // Steps (a) and (b): thieves that look from now on do not see the newest item. Returns its index.
    [[gnu::always_inline]] std::int64_t hide_newest(bool asymmetric) noexcept {
        const std::int64_t bottom = bottom_.load(std::memory_order::relaxed) - 1;  // only the owner writes it
        bottom_.store(bottom, std::memory_order::release);  // pairs with the acquire in steal(): the items below
        if (asymmetric) [[likely]] {
            Sync::light_fence();  // pairs with the heavy_fence in steal()
        } else {
            Sync::full_fence();  // pairs with the full_fence in steal()
        }
        return bottom;
    }

    // The item hidden at `bottom` is the last one, or was stolen: whoever moves top has it. Leaves the deque empty. Out
    // of line, or each pop would pay for its registers.
    [[gnu::noinline]] bool take_last(std::int64_t bottom) noexcept {
        std::int64_t top = bottom;
        Sync::yield_point("fork_deque: last item hidden, not yet claimed");
        // Only the order of changes of top matters here: it publishes nothing (the owner reads its own slot) and a
        // failure says only that a thief has it.
        const bool won =
            top_.compare_exchange_strong(top, top + 1, std::memory_order::relaxed, std::memory_order::relaxed);
        // Release as every store of bottom, by rule: a thief that reads this one has an old top and fails.
        const std::int64_t emptied = bottom + 1;
        bottom_.store(emptied, std::memory_order::release);
        return won;
    }

    [[gnu::noinline]] T* pop_last(std::int64_t bottom) noexcept {
        return take_last(bottom) ? slots_[bottom & mask_].load(std::memory_order::relaxed) : nullptr;  // as in pop()
    }

    // Does the rest of the push too: were the caller to go on after it, each push would save registers for this call.
    [[gnu::noinline, gnu::cold]] bool push_when_full(T* item, std::int64_t bottom) noexcept {
        // Pairs with the release in steal(): whoever moved top has read the slots that are about to be stored to.
        const std::int64_t top = top_.load(std::memory_order::acquire);
        if (bottom - top > mask_ && !grow(top, bottom)) return false;
        limit_ = top + mask_ + 1;
        append(item, bottom);
        return true;
    }

    bool grow(std::int64_t top, std::int64_t bottom) noexcept {
        ring* const old = ring_.load(std::memory_order::relaxed);  // only the owner writes it
        ring* const wide = 2 * (mask_ + 1) <= MostSlots ? make_ring(2 * (mask_ + 1), old) : nullptr;
        if (wide == nullptr) return false;
        // The owner stored these, and stores them for thieves by the release of ring_.
        for (std::int64_t i = top; i != bottom; ++i)
            wide->at(i).store(old->at(i).load(std::memory_order::relaxed), std::memory_order::relaxed);
        slots_ = wide->slots();
        mask_ = wide->mask.load();
        Sync::yield_point("fork_deque: items copied, ring not yet shown");
        ring_.store(wide, std::memory_order::release);  // pairs with the acquire in steal(): mask and copied slots
        return true;
    }

    static ring* make_ring(std::int64_t slot_count, ring* older) noexcept {
        const auto count = static_cast<std::size_t>(slot_count);
        const std::align_val_t alignment{alignof(ring)};
        void* const block = ::operator new(sizeof(ring) + count * sizeof(slot), alignment, std::nothrow);
        if (block == nullptr) return nullptr;
        ring* const made = ::new (block) ring(slot_count, older);
        for (std::size_t i = 0; i != count; ++i) ::new (static_cast<void*>(made->slots() + i)) slot(nullptr);
        return made;
    }

    // Thieves write, and the owner when it takes the last item.
    alignas(fork_deque_line_bytes) typename Sync::template atomic<std::int64_t> top_;

    // The owner writes; thieves read bottom_, ring_ and asymmetric_.
    alignas(fork_deque_line_bytes) typename Sync::template atomic<std::int64_t> bottom_;
    slot* slots_;         // of the current ring
    std::int64_t mask_;   // of the current ring
    std::int64_t limit_;  // bottom may be stored up to here; top may have moved on since it was computed
    typename Sync::template atomic<ring*> ring_;
    const bool asymmetric_;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The items on their way through an mpsc channel: a list of blocks with some places each. Any thread pushes, one takes. Used by
// sync/mpsc_queue.hpp, which says when there is nothing to wait for any more; calls nothing but moves of items.
//
// A position is a number: place `position % size` of the block that begins at `position - position % size`.
// push: (1) add one to tail_: that position is this push's. (2) Load tail_block_ and follow the links to the position's block,
//       appending blocks where there are none. A block on the way that is full, and is tail_block_: (2a) exchange tail_block_ for
//       the next, (2b) read tail_ by a read-modify-write, (2c) note that in the block as left_at. (3) Make the item, (4) set its
//       bit in the block's `ready`.
// take: (a) bit of the next position set: (b) move the item out. (c) Give back blocks before this one, oldest first, that have
//       been left and whose left_at is not after the next position.
// close: set the lowest bit of tail_. A push whose (1) finds it is refused and touches no block; the positions before are the
//       receiver's, and nothing comes after them.
//
// Claim 1: (2) reaches the block of its position. tail_block_ passes a block only when all its bits are set, so never one in
//   which a position is still to be written.
// Claim 2: a block is given back after the last access to it by a push. Take a push that loads the block in (2), and the (2b) of
//   whoever left it. If (1) comes after (2b) in the order of tail_, it acquires what (2b) released, and (2) loads a later block:
//   contradiction. So its position is below left_at; the receiver has taken that position before (c), and (4) released to (a)
//   what came before. Who left the block claimed his own position before (2b), too.
// Named races: two pushes append a block after the same one: the loser's goes to `spare_`. A block is left while others stand in
//   it on their way: see claim 2.
//
// Cost: a push is two read-modify-writes, a take none. A block is allocated for each `size` items, unless one is spare.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

/// Places in a block: enough to make allocating rare, and so few that a channel that is empty again keeps little. Powers of two.
constexpr std::size_t mpsc_block_size(std::size_t bytes_of_item) noexcept {
    constexpr std::size_t most = 32;           // bits of a block's word
    constexpr std::size_t least = 4;           // fewer would allocate for every other item
    constexpr std::size_t bytes_wanted = 512;  // a guess: three blocks may be left over
    std::size_t size = most;
    while (size > least && size * bytes_of_item > bytes_wanted) size /= 2;
    return size;
}

template <class T, class Sync, std::size_t Size = mpsc_block_size(sizeof(T))>
class mpsc_list {
    static_assert(Size <= 32 && (Size & (Size - 1)) == 0);

public:
    /// How far the receiver is. Apart from the list, so that it can stand in another cache line.
    class reader;

    mpsc_list() noexcept : root_(std::uint64_t{0} - Size), tail_block_(&root_) {}
    mpsc_list(const mpsc_list&) = delete;
    mpsc_list& operator=(const mpsc_list&) = delete;

    /// Before the list is destroyed, and nobody pushes any more: destroys what was not taken, and the blocks.
    void clear(reader& r) noexcept {
        for (link* at = r.oldest_; at != nullptr;) {
            // Relaxed, here and below: who destroys the list has acquired all that was done to it.
            block* const next = at->next.load(std::memory_order::relaxed);
            if (at != &root_) {
                block* const done = static_cast<block*>(at);
                const auto ready = done->ready.load(std::memory_order::relaxed);
                for (std::size_t i = 0; i != Size; ++i)
                    if ((ready >> i & 1) != 0 && done->first.load() + i >= r.next_) std::destroy_at(done->item(i));
                delete done;
            }
            at = next;
        }
        delete spare_.load(std::memory_order::relaxed);
    }

    // --- any thread ---

    /// False: closed, and `item` was not moved from. Otherwise wake the receiver. Ends the process if there is no memory for a
    /// block: the position is taken, and what comes after it could never be received.
    [[nodiscard]] bool push(T&& item) noexcept {
        // Acquire: pairs with the release of (2b) in leave(), and with that of close().
        const std::uint64_t claimed = tail_.fetch_add(one, std::memory_order::acquire);
        if ((claimed & closed) != 0) return false;
        const std::uint64_t position = claimed / one;
        block& into = block_of(position);
        const std::size_t place = position % Size;
        std::construct_at(into.item(place), std::move(item));
        // Release: the item, and that this push is done with the blocks; pairs with the acquire in front(). Also for the acquire
        // in block_of(), which lets whoever sees all bits leave the block.
        into.ready.fetch_or(std::uint32_t{1} << place, std::memory_order::release);
        return true;
    }

    // --- the receiver's thread ---

    /// The next item, or null if none is there.
    T* front(reader& r) noexcept {
        const std::size_t place = r.next_ % Size;
        if (place == 0 && !go_to_next(r)) return nullptr;
        block* const from = static_cast<block*>(r.head_);
        // Acquire: pairs with the release in push().
        if ((from->ready.load(std::memory_order::acquire) >> place & 1) == 0) return nullptr;
        return from->item(place);
    }
    /// After front() has given an item, which was moved from.
    void pop(reader& r) noexcept {
        std::destroy_at(static_cast<block*>(r.head_)->item(r.next_ % Size));
        ++r.next_;
    }

    /// Pushes are refused from now on. Returns the position at which the items end.
    std::uint64_t close() noexcept {
        // Release: what came before, for the acquire in push().
        return tail_.fetch_or(closed, std::memory_order::release) / one;
    }

private:
    // Of tail_: the lowest bit says that the list is closed, the rest is the position.
    static constexpr std::uint64_t closed = 1;
    static constexpr std::uint64_t one = 2;

    struct block;

    // The list begins with a link that has no places, so that a channel that was never used has no block.
    struct link {
        explicit link(std::uint64_t first_position) noexcept : first(first_position) {}

        typename Sync::template cell<std::uint64_t> first;  // written before the block is appended
        typename Sync::template atomic<block*> next{nullptr};
    };

    struct block : link {
        static constexpr std::uint64_t not_left = ~std::uint64_t{0};
        static constexpr std::uint32_t all_ready = ~std::uint32_t{0} >> (32 - Size);

        block() noexcept : link(0) {}
        ~block() {}

        T* item(std::size_t place) noexcept { return std::addressof(items[place]); }

        typename Sync::template atomic<std::uint32_t> ready{0};
        typename Sync::template atomic<std::uint64_t> left_at{not_left};
        union {
            T items[Size];
        };
    };

    block& block_of(std::uint64_t position) noexcept {
        const std::uint64_t first = position - position % Size;
        // Acquire: pairs with the release in leave(): what append() wrote into that block.
        link* const tail = tail_block_.load(std::memory_order::acquire);
        return tail->first.load() == first ? *static_cast<block*>(tail) : block_after(tail, first);
    }

    [[gnu::noinline]] block& block_after(link* at, std::uint64_t first) noexcept {
        bool is_tail = true;
        while (at->first.load() != first) {
            block* next = at->next.load(std::memory_order::acquire);  // pairs with the release in append()
            if (next == nullptr) next = append(*at);
            is_tail = is_tail && leave(*at, *next);
            at = next;
        }
        return *static_cast<block*>(at);
    }

    // (2a) to (2c). False: it is not full, or somebody else has left it.
    bool leave(link& from, block& next) noexcept {
        block* const left = &from == &root_ ? nullptr : static_cast<block*>(&from);
        // Relaxed: nothing is read that those pushes wrote; claim 2 does not need them, and claim 1 only that they are there.
        if (left != nullptr && left->ready.load(std::memory_order::relaxed) != block::all_ready) return false;
        link* seen = &from;
        // Release: what append() wrote into `next`, for the acquire in block_of().
        if (!tail_block_.compare_exchange_strong(seen, &next, std::memory_order::release, std::memory_order::relaxed))
            return false;
        if (left != nullptr) {
            // Release: the exchange above, for the acquire of a later push's (1).
            const std::uint64_t at = tail_.fetch_add(0, std::memory_order::release) / one;
            left->left_at.store(at, std::memory_order::relaxed);
        }
        return true;
    }

    block* append(link& to) noexcept {
        // Acquire: pairs with the release in keep(): the block is not used any more.
        block* fresh = spare_.load(std::memory_order::relaxed) == nullptr
                           ? nullptr
                           : spare_.exchange(nullptr, std::memory_order::acquire);
        if (fresh == nullptr) {
            fresh = new (std::nothrow) block();
            if (fresh == nullptr) [[unlikely]]
                fail_check("pollux: mpsc: no memory for a block of items; use a channel of bounded capacity");
        } else {
            // Relaxed: nobody else knows it, and the exchange below publishes it.
            fresh->next.store(nullptr, std::memory_order::relaxed);
            fresh->ready.store(0, std::memory_order::relaxed);
            fresh->left_at.store(block::not_left, std::memory_order::relaxed);
        }
        fresh->first.store(to.first.load() + Size);
        block* seen = nullptr;
        // Release: the fields; pairs with the acquires of `next` in block_of() and front(). Failure acquire: likewise, of the
        // other's block.
        if (to.next.compare_exchange_strong(seen, fresh, std::memory_order::acq_rel, std::memory_order::acquire))
            return fresh;
        keep(fresh);
        return seen;
    }

    // One is kept for the next push that needs it.
    void keep(block* unused) noexcept {
        // Release: our accesses to it; pairs with the acquire in append(). Acquire: those of who kept the one that we delete.
        delete spare_.exchange(unused, std::memory_order::acq_rel);
    }

    // At the border of a block. False: there is no next one.
    [[gnu::noinline]] bool go_to_next(reader& r) noexcept {
        if (r.head_->first.load() != r.next_) {
            block* const next = r.head_->next.load(std::memory_order::acquire);  // pairs with the release in append()
            if (next == nullptr) return false;
            r.head_ = next;
        }
        give_back_left(r);
        return true;
    }

    void give_back_left(reader& r) noexcept {
        while (r.oldest_ != r.head_) {
            block* const next = r.oldest_->next.load(std::memory_order::relaxed);  // was followed by front()
            if (r.oldest_ != &root_) {
                block* const done = static_cast<block*>(r.oldest_);
                // Relaxed: who wrote it has pushed afterwards, to a position that has been taken; before that it is not_left.
                if (done->left_at.load(std::memory_order::relaxed) > r.next_) return;
                keep(done);
            }
            r.oldest_ = next;
        }
    }

    link root_;
    typename Sync::template atomic<std::uint64_t> tail_{0};
    typename Sync::template atomic<link*> tail_block_;
    typename Sync::template atomic<block*> spare_{nullptr};
};

template <class T, class Sync, std::size_t Size>
class mpsc_list<T, Sync, Size>::reader {
public:
    void begin(mpsc_list& list) noexcept { head_ = oldest_ = &list.root_; }

    /// Of the item that front() looks for.
    std::uint64_t position() const noexcept { return next_; }

private:
    friend class mpsc_list;

    link* head_ = nullptr;    // the block of next_, or the one before it
    link* oldest_ = nullptr;  // not given back yet
    std::uint64_t next_ = 0;
};

}  // namespace pollux::inline v0::detail

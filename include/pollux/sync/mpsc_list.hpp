// SPDX-License-Identifier: MIT
// The items on their way through an mpsc channel: a list of blocks with some places each. Any thread pushes, one takes. Used by
// sync/mpsc_queue.hpp, which says when there is nothing to wait for any more; calls nothing but moves of items.
//
// A position is a number: place `position % size` of the block that begins at `position - position % size`. A place is its item and
// a mark: empty, awaited, ready.
// push: (1) add one to tail_: that position is this push's. (2) Load tail_block_ and follow the links to the position's block:
//       back, or forwards, appending blocks where there are none. A block that is passed forwards and is tail_block_: (2a) exchange
//       tail_block_ for the next, (2b) read tail_ by a read-modify-write, (2c) note that in the block as left_at. (3) Make the item,
//       (4) exchange its mark for `ready`. If it was awaited: (5) say so to the caller, who wakes the receiver.
// take: (a) the next position is ready: (b) move the item out. (c) Give back blocks before this one, oldest first, that have been
//       left and whose left_at is not after the next position.
// await: of the receiver, where the next position is not ready: (i) exchange its mark, empty, for `awaited`. If there is no block
//       yet: (ii) put `root_`, which follows nothing, where its link will be; who appends the block makes the mark in it.
// close: set the highest bit of tail_. A push whose (1) finds it is refused and touches no block; the positions before are the
//       receiver's, and nothing comes after them.
// abandon: of the receiver that goes, after close. From the next position on: (A) exchange the mark for `awaited`, and destroy the
//       item that was ready. (B) Put `gone_`, which follows nothing, where the next link will be; who appends a block marks all
//       of it as awaited, and puts `gone_` behind it.
//
// Claim 1: a block is given back after the last access to it by a push. All positions up to its end have been taken by then, so
//   no push that is under way comes back to it; one that passes it forwards has loaded it in (2), or a block before it. Take such a
//   push, and the (2b) of whoever left the block. If (1) comes after (2b) in the order of tail_, it acquires what (2b) released, and
//   (2) loads a later block: contradiction. So its position is below left_at; the receiver has taken that position before (c), and
//   (4) released to (a) what came before. Who left the block claimed his own position before (2b), too.
// Claim 2: (2) reaches the block of its position. The links forwards end there or before it, where one is appended. The way back
//   ends there too: that block is not given back, for its position is not taken, and so none after it is.
// Claim 3: after an await the push of the next position has told its caller to wake, or will, or the position is ready. (4)
//   and (i) change one word: the later sees the earlier. The exchange that appends comes after (ii), and sees it, or
//   before, and (ii) fails and (i) follows; and (4) comes after the append.
// Claim 4: who is told that its push is done has touched nothing after (4), and the receiver has its item or will have it; it knows
//   by the mark whether a push was told so, for it is the receiver who makes places awaited. So a push can leave with its item
//   what it holds to keep the list alive: mpsc_queue says how. Pushes that are under way while the receiver goes find their places
//   awaited: (A) and (4) change one word, as in claim 3, and so do (B) and the exchange that appends.
// Named races: two pushes append a block after the same one: the loser's goes to `spare_`. A block is left while others stand in
//   it on their way, or have still to come to it: see the claims.
//
// Cost: a push is two read-modify-writes, of the word that all pushes change and of what is beside the item; a take none. A block
// is taken from the thread's free ones for each `size` items, unless the list has one that is spare.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

/// Places in a block: enough to make allocating rare, and so few that a channel that is empty again keeps little. Powers of two.
template <class T>
constexpr std::size_t mpsc_block_size() noexcept {
    struct item_and_mark {
        alignas(T) unsigned char item[sizeof(T)];
        unsigned char mark;
    };
    constexpr std::size_t most = 32;           // a guess, as the next but one
    constexpr std::size_t least = 4;           // fewer would allocate for every other item
    constexpr std::size_t bytes_wanted = 512;  // three blocks may be left over
    std::size_t size = most;
    while (size > least && size * sizeof(item_and_mark) > bytes_wanted) size /= 2;
    return size;
}

enum class mpsc_push : unsigned char { refused, done, awaited };

template <class T, class Sync, std::size_t Size = mpsc_block_size<T>()>
class mpsc_list {
    static_assert((Size & (Size - 1)) == 0);

public:
    /// How far the receiver is. Apart from the list, so that it can stand in another cache line.
    class reader;

    mpsc_list() noexcept : root_(std::uint64_t{0} - Size), tail_block_(&root_) {}
    mpsc_list(const mpsc_list&) = delete;
    mpsc_list& operator=(const mpsc_list&) = delete;

    /// Before the list is destroyed, and nobody pushes any more: destroys what was not taken, and the blocks.
    void clear(reader& r) noexcept {
        const std::uint64_t taken = r.position();
        for (link* at = r.oldest_; at != nullptr;) {
            // Relaxed, here and below: who destroys the list has acquired all that was done to it.
            link* const next = block_or_null(at->next.load(std::memory_order::relaxed));
            if (at != &root_) {
                block* const done = static_cast<block*>(at);
                for (std::size_t i = 0; i != Size; ++i) {
                    place& each = done->places[i];
                    if (each.mark.load(std::memory_order::relaxed) == ready && done->first.load() + i >= taken)
                        std::destroy_at(each.item());
                }
                delete done;
            }
            at = next;
        }
        delete spare_.load(std::memory_order::relaxed);
    }

    // --- any thread ---

    /// Refused: closed, and `item` was not moved from. Awaited: wake the receiver. Done: the list may be destroyed by now, see
    /// claim 4. Ends the process if there is no memory for a block: the position is taken, and what comes after it could never be
    /// received.
    [[nodiscard, gnu::always_inline]] mpsc_push push(T&& item) noexcept {
        // Acquire: pairs with the release of (2b) in leave(), and with that of close().
        const std::uint64_t position = tail_.fetch_add(1, std::memory_order::acquire);
        if ((position & closed) != 0) [[unlikely]]
            return mpsc_push::refused;
        // Acquire: pairs with the release in leave(): what append() wrote into that block.
        link* at = tail_block_.load(std::memory_order::acquire);
        std::uint64_t index = position - at->first.load();
        if (index >= Size) [[unlikely]] {
            index = position % Size;
            at = block_of(at, position - index);
        }
        place& into = static_cast<block*>(at)->places[index];
        std::construct_at(into.item(), std::move(item));
        // Release: the item, and that this push is done with the blocks; pairs with the acquire in has_front().
        const auto before = into.mark.exchange(ready, std::memory_order::release);
        return before == awaited ? mpsc_push::awaited : mpsc_push::done;
    }

    // --- the receiver's thread ---

    /// Whether the next item is there, in the receiver's block; if not, find() looks beyond.
    bool has_front(const reader& r) const noexcept {
        // Acquire: pairs with the release in push().
        return r.left_ != 0 && r.at_->mark.load(std::memory_order::acquire) == ready;
    }
    /// The next item, which is there.
    T& front(reader& r) noexcept { return *r.at_->item(); }
    /// After the front was moved from.
    void pop(reader& r) noexcept {
        std::destroy_at(r.at_->item());
        ++r.at_;
        --r.left_;
    }
    /// False: the next item is not there.
    [[nodiscard]] bool find(reader& r) noexcept {
        if (r.left_ == 0 && !go_to_next(r)) return false;
        return has_front(r);
    }
    /// From now on the push of the item that find() looks for says that it is awaited. It may have come before: then
    /// find() finds it.
    void await(reader& r) noexcept {
        if (r.left_ == 0 && !go_to_next(r)) {
            link* seen = nullptr;
            // Relaxed, as below; if it fails for a block, go_to_next() acquires that.
            if (r.head_->next.compare_exchange_strong(seen, &root_, std::memory_order::relaxed,
                                                      std::memory_order::relaxed))
                r.awaited_ = r.position();
            if (!go_to_next(r)) return;
        }
        auto seen = empty;
        // Relaxed: it says nothing but itself, and the push that finds it, or is found by it, changes the same word.
        if (r.at_->mark.compare_exchange_strong(seen, awaited, std::memory_order::relaxed, std::memory_order::relaxed))
            r.awaited_ = r.position();
    }
    /// How many pushes were done, not awaited, of the items that were taken since the last call. Before each await().
    std::uint64_t count_done(reader& r) noexcept {
        std::uint64_t n = r.position() - r.counted_;
        r.counted_ = r.position();
        if (r.awaited_ < r.counted_) {
            r.awaited_ = reader::nothing_awaited;
            --n;
        }
        return n;
    }

    /// Pushes are refused from now on. Returns the position at which the items end.
    std::uint64_t close() noexcept {
        // Release: what came before, for the acquire in push().
        return tail_.fetch_or(closed, std::memory_order::release) & ~closed;
    }

    /// After close(), as the last call of the receiver: destroys what is there. From now on every push is refused or awaited.
    /// Returns how many pushes of what was destroyed were done.
    [[nodiscard]] std::uint64_t abandon(reader& r) noexcept {
        std::uint64_t done = 0;
        std::uint64_t index = Size - r.left_;
        for (link* at = r.head_;;) {
            for (; at != &root_ && index != Size; ++index) {
                place& each = static_cast<block*>(at)->places[index];
                // Acquire: pairs with the release in push().
                if (each.mark.exchange(awaited, std::memory_order::acquire) != ready) continue;
                std::destroy_at(each.item());
                if (at->first.load() + index != r.awaited_) ++done;
            }
            link* next = nullptr;
            do {
                // Relaxed, as in await().
                if (at->next.compare_exchange_strong(next, &gone_, std::memory_order::relaxed,
                                                     std::memory_order::relaxed))
                    return done;
            } while (next == &root_);
            // Acquire: pairs with the release in append().
            at = at->next.load(std::memory_order::acquire);
            index = 0;
        }
    }

private:
    // Of tail_, above the position: the list is closed.
    static constexpr std::uint64_t closed = std::uint64_t{1} << 63;

    // Of a place.
    static constexpr std::uint8_t empty = 0, awaited = 1, ready = 2;

    // Item and mark side by side: who sends on another processor than the last sender, and the receiver on its own, get one line and
    // not two.
    struct place {
        place() noexcept {}
        ~place() {}

        T* item() noexcept { return std::addressof(item_); }

        typename Sync::template atomic<std::uint8_t> mark{empty};

    private:
        union {
            T item_;  // alive from ready on, until it is taken
        };
    };

    // The list begins with a link that has no places, so that a channel that was never used has no block.
    struct link {
        explicit link(std::uint64_t first_position) noexcept : first(first_position) {}

        typename Sync::template cell<std::uint64_t> first;  // written before the block is appended
        // A block; or there is none yet: null, or root_: its first place is awaited, or gone_: all that follow are.
        typename Sync::template atomic<link*> next{nullptr};
    };

    struct block : in_free_blocks, link {
        static constexpr std::uint64_t not_left = ~std::uint64_t{0};

        block() noexcept : link(0) {}

        typename Sync::template cell<link*> previous{nullptr};  // as `first`
        typename Sync::template atomic<std::uint64_t> left_at{not_left};
        place places[Size];
    };

    // (2)
    [[gnu::noinline]] link* block_of(link* at, std::uint64_t first) noexcept {
        // Signed: the root's is below zero.
        for (bool is_tail = true; static_cast<std::int64_t>(first - at->first.load()) > 0;) {
            // Acquire: pairs with the release in append().
            link* next = block_or_null(at->next.load(std::memory_order::acquire));
            if (next == nullptr) next = append(*at);
            is_tail = is_tail && leave(*at, *next);
            at = next;
        }
        while (at->first.load() != first) at = static_cast<block*>(at)->previous.load();
        return at;
    }

    // (2a) to (2c). False: it is not tail_block_ any more.
    bool leave(link& from, link& next) noexcept {
        link* seen = &from;
        // Release: what append() wrote into `next`, for the acquire in push().
        if (!tail_block_.compare_exchange_strong(seen, &next, std::memory_order::release, std::memory_order::relaxed))
            return false;
        if (&from != &root_) {
            // Release: the exchange above, for the acquire of a later push's (1).
            const std::uint64_t at = tail_.fetch_add(0, std::memory_order::release) & ~closed;
            static_cast<block&>(from).left_at.store(at, std::memory_order::relaxed);
        }
        return true;
    }

    link* block_or_null(link* next) noexcept { return next == &root_ || next == &gone_ ? nullptr : next; }

    link* append(link& to) noexcept {
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
            fresh->left_at.store(block::not_left, std::memory_order::relaxed);
            for (auto& each : fresh->places) each.mark.store(empty, std::memory_order::relaxed);
        }
        fresh->first.store(to.first.load() + Size);
        fresh->previous.store(&to);
        link* seen = nullptr;
        // Release: the fields; pairs with the acquires of `next` in block_of() and go_to_next(). Failure acquire: likewise, of
        // the other's block.
        while (!to.next.compare_exchange_strong(seen, fresh, std::memory_order::acq_rel, std::memory_order::acquire)) {
            if (block_or_null(seen) != nullptr) {
                keep(fresh);
                return seen;
            }
            // Relaxed: as above.
            fresh->places[0].mark.store(awaited, std::memory_order::relaxed);
            if (seen != &gone_) continue;
            for (auto& each : fresh->places) each.mark.store(awaited, std::memory_order::relaxed);
            fresh->next.store(&gone_, std::memory_order::relaxed);
        }
        return fresh;
    }

    // One is kept for the next push that needs it.
    void keep(block* unused) noexcept {
        // Release: our accesses to it; pairs with the acquire in append(). Acquire: those of who kept the one that we delete.
        delete spare_.exchange(unused, std::memory_order::acq_rel);
    }

    // After the last place of a block. False: there is no next one.
    bool go_to_next(reader& r) noexcept {
        // Acquire: pairs with the release in append().
        link* const next = block_or_null(r.head_->next.load(std::memory_order::acquire));
        if (next == nullptr) return false;
        r.head_ = next;
        r.at_ = static_cast<block*>(next)->places;
        r.left_ = Size;
        give_back_left(r);
        return true;
    }

    void give_back_left(reader& r) noexcept {
        while (r.oldest_ != r.head_) {
            link* const next = r.oldest_->next.load(std::memory_order::relaxed);  // was followed by go_to_next()
            if (r.oldest_ != &root_) {
                block* const done = static_cast<block*>(r.oldest_);
                // Relaxed: who wrote it has pushed afterwards, to a position that has been taken; before that it is not_left.
                if (done->left_at.load(std::memory_order::relaxed) > r.position()) return;
                keep(done);
            }
            r.oldest_ = next;
        }
    }

    link root_;
    link gone_{0};
    typename Sync::template atomic<block*> spare_{nullptr};
    // What every push uses, last: what senders change in what surrounds the list follows, in the same cache line mostly.
    typename Sync::template atomic<link*> tail_block_;
    typename Sync::template atomic<std::uint64_t> tail_{0};
};

template <class T, class Sync, std::size_t Size>
class mpsc_list<T, Sync, Size>::reader {
public:
    reader() noexcept = default;
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    void begin(mpsc_list& list) noexcept { head_ = oldest_ = &list.root_; }

    /// Of the next item.
    std::uint64_t position() const noexcept { return head_->first.load() + Size - left_; }

private:
    friend class mpsc_list;

    static constexpr std::uint64_t nothing_awaited = ~std::uint64_t{0};

    place* at_ = nullptr;                      // of the next position, if there are any left
    std::size_t left_ = 0;                     // places of the block that have not been taken
    link* head_ = nullptr;                     // the block of the next position, or the one before it
    link* oldest_ = nullptr;                   // not given back yet
    std::uint64_t counted_ = 0;                // the next position when count_done() was called last
    std::uint64_t awaited_ = nothing_awaited;  // the position that was awaited last, until it has been counted
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The list of an mpsc channel with whom to wake for it, and who owns it: the senders together, the receiver. Used by
// sync/mpsc_channel.hpp; calls the receiver's waker.
//
// senders_ counts who may still push. Who pushes holds a count, and a push that is done leaves it with the item, so that no sender
// changes senders_ for each; one that is awaited or refused leaves the caller its count. The receiver gives back the counts that
// came with items when it has to wait, and when it goes.
//
// sender:   (1) push an item, or leave, (2) wake the receiver: after a push if it says that the item is awaited, after
//           a leave if it was the last.
// receiver: (a) store its waker, give back the counts of what it has taken, (b) await the next item, (c) look whether a count is
//           left, (d) look for an item.
// Claim: the receiver sees the item, or that no sender is left, or it is woken for it. Proof: a push that does not say that its
//   item is awaited came before (b), and (d) sees it: claim 3 of mpsc_list; or it is of a later position, and what (d) looks for
//   is another's. For the others, that of waker_cell: what (1) does comes before (2), the looks come after (a).
// Claim: when (c) finds no count, (d) finds every item. Each was pushed with a count. If it was left with the item, the item has been
//   taken. If not, it was given up after the push; that released to (c).
// Claim: the queue is not freed under a push. Until its (4) it holds a count; if it is told that it is done, (4) was its last access
//   (claim 4 of mpsc_list); if not, it holds the count on. And all counts are given back: those that come with items by the receiver,
//   when it waits or goes; after it has gone every push is awaited or refused.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "pollux/core/waker_cell.hpp"
#include "pollux/sync/mpsc_list.hpp"

namespace pollux::inline v0::detail {

// Waker: as that of waker_cell.
template <class T, class Waker, class Sync, std::size_t Size = mpsc_block_size<T>()>
class mpsc_queue {
public:
    mpsc_queue() noexcept { reader_.begin(list_); }
    mpsc_queue(const mpsc_queue&) = delete;
    mpsc_queue& operator=(const mpsc_queue&) = delete;
    ~mpsc_queue() { list_.clear(reader_); }

    // --- senders, any thread ---

    void add_counts(std::uint64_t n) noexcept {
        senders_.fetch_add(n, std::memory_order::relaxed);  // relaxed: the caller has a count
    }
    /// True: they were the last; go on with drop_last_sender().
    [[nodiscard]] bool drop_counts(std::uint64_t n) noexcept {
        // Release: this sender's pushes, for the acquire in has_no_sender(), and all its accesses, for who frees the queue: the
        // last one, whose acquire this is.
        return senders_.fetch_sub(n, std::memory_order::acq_rel) == n;
    }
    /// True: the receiver is gone: free the queue.
    [[nodiscard]] bool drop_last_sender() noexcept {
        receiver_.wake();
        return drop_owner();
    }
    /// By who holds a count. Done: that has gone with the item, and the queue may be freed by now. Else it is still the caller's,
    /// who goes on with after_put().
    [[nodiscard, gnu::always_inline]] mpsc_push put(T&& item) noexcept { return list_.push(std::move(item)); }
    /// False: closed, and the item was not moved from.
    [[gnu::noinline]] bool after_put(mpsc_push put) noexcept {
        if (put == mpsc_push::awaited) receiver_.wake();
        return put != mpsc_push::refused;
    }
    /// One more that the queue is kept for, and that does not send.
    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // relaxed: the caller has a count
    /// True: free the queue.
    [[nodiscard]] bool drop_owner() noexcept {
        // Release: this owner's accesses; acquire: the others', before the queue is freed. Partner: this line.
        return owners_.fetch_sub(1, std::memory_order::acq_rel) == 1;
    }
    /// For who has changed something else that the receiver waits for.
    [[gnu::noinline]] void wake_receiver() noexcept { receiver_.wake(); }

    // --- the receiver's thread ---

    /// Whether the next item is there; if not, look() looks closer.
    bool has_front() const noexcept { return list_.has_front(reader_); }
    [[nodiscard]] bool look() noexcept { return list_.find(reader_); }
    /// The next item, which is there.
    T& front() noexcept { return list_.front(reader_); }
    /// After the front was moved from.
    void pop() noexcept { list_.pop(reader_); }

    /// Then look for a sender, then for an item.
    void wait(const Waker& waker) noexcept {
        receiver_.store(waker);
        give_counts_back(list_.count_done(reader_));
        list_.await(reader_);
    }
    bool has_no_sender() const noexcept {
        return senders_.load(std::memory_order::acquire) == 0;  // pairs with the release in drop_counts()
    }

    /// Pushes are refused from now on; what has come before can be taken.
    void close() noexcept { end_ = list_.close(); }
    /// Whether all that was pushed before close() has been taken.
    bool is_at_end() const noexcept { return reader_.position() == end_; }
    /// The receiver goes. What has come is destroyed; what is on its way, when the queue is freed. True: free the queue.
    [[nodiscard]] bool drop_receiver() noexcept {
        static_cast<void>(receiver_.take());  // its task is not to live as long as the senders
        close();
        const auto n = list_.count_done(reader_);
        give_counts_back(n + list_.abandon(reader_));
        return drop_owner();
    }

private:
    // The receiver still owns the queue.
    void give_counts_back(std::uint64_t n) noexcept {
        if (n != 0 && drop_counts(n)) static_cast<void>(drop_owner());
    }

    typename mpsc_list<T, Sync, Size>::reader reader_;  // the receiver's
    std::uint64_t end_ = ~std::uint64_t{0};             // the receiver's
    typename Sync::template atomic<std::uint32_t> owners_{2};
    // Seldom changed, and so between what the receiver changes for each item and what every push changes: those share
    // no cache line, wherever in a line the queue begins.
    waker_cell<Waker, Sync> receiver_;
    mpsc_list<T, Sync, Size> list_;
    // Last, between what each push changes and, in a channel, the word of the places.
    typename Sync::template atomic<std::uint64_t> senders_{1};
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The list of woken children, and the proof that no wake-up of a child is lost. Many threads push, the one that polls
// the owner takes. Used by child_wakers.cpp, child_set.cpp and join_entries.cpp, and by woken_groups.hpp for nodes of many
// children; checked by tests/model/woken_list_model.cpp.
//
// A node has a word of bits, one for each of its children that was woken; where it is the node of one child, the word is 1. It
// stands in the list while the word is not zero.
//
// wake (any thread):  (1) node.woken: set the child's bit; if the word was not zero, nothing more to do. (2) Push the node. (3) If
//                     the list was empty before, wake the owner.
// poll (one thread):  (a) Store the owner's waker. (b) Take the whole list, once. For each node, oldest first: read
//                     its link, (c) node.woken: exchange zero, (d) poll the children whose bits were set.
//
// Claim: a poll of the child starts after each wake of it and sees what was written before.
// Proof: (1) is a read-modify-write. The word was not zero: the (c) that ends this comes after it in the order of
// `woken`, takes its bit and acquires what it released, (d) follows; and the node is in the list, or its pusher is between (1) and
// (2). So it is enough that a (b) comes after each (2). The list was empty: (3) follows, and the proof of the waker's
// cell says that (3) causes a poll, or that an (a) has yet to come whose (b) sees the push. The list was not empty:
// no (b) stands between the push onto the empty list and this one, so the (b) that the first push causes comes after
// both.
//
// The owner itself, between polls or in one, of nodes of one child: (p) put_back: node.woken: exchange 1; if it was 0, set
// the node aside for the next (b): a poll of the owner follows anyway. (r) retire, when the child has gone: node.woken: exchange
// 1. It was 0: the node is in no list, and each (1) from now on reads 1, so it never will be and can be freed.
// It was 1: it is in the list, or its pusher is between (1) and (2): take() gives it once more, and then (r) again.
// An owner that has gone retires nobody: a pusher follows no link, so nodes that are still in the list may be freed by
// whoever counts them.
//
// Named races: a node is pushed again while the taker still walks the list that it was in: the taker reads the link
// before (c), and the pusher writes it after its (1) has read what (c) wrote. Two pushers: the loser of the exchange
// takes the new head as its link; that a head left and came back meanwhile does no harm, the link is true either way.
// Taking empties the whole list, so nobody follows a link out of a node that has left.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace pollux::inline v0::detail {

template <class Sync>
class woken_list {
public:
    using bits = std::uint64_t;

    struct node {
        typename Sync::template atomic<bits> woken{0};
        typename Sync::template cell<node*> link{
            nullptr};  // of who set the first bit; then of the taker, until it clears them
    };

    woken_list() noexcept = default;
    woken_list(const woken_list&) = delete;
    woken_list& operator=(const woken_list&) = delete;

    /// Any thread, of a node of one child. True: the list was empty, the caller wakes the owner.
    bool push(node& woken) noexcept {
        // Release: what the event wrote, for the acquire in take_children(). Acquire: pairs with the release there, so
        // that the link is written only after the taker has read it.
        return woken.woken.exchange(1, std::memory_order::acq_rel) == 0 && enlist(woken);
    }
    /// (2), of a node whose first bit the caller has set as push() does it.
    bool enlist(node& woken) noexcept {
        node* head = head_.load(std::memory_order::relaxed);  // a stale value fails the exchange
        do {
            woken.link.store(head);
            // Release: the link, for the acquire in begin_round(). Failure relaxed: the head is not followed here.
        } while (!head_.compare_exchange_weak(head, &woken, std::memory_order::release, std::memory_order::relaxed));
        return head == nullptr;
    }

    /// The owner's thread, in each poll: takes what was pushed until now, behind what an earlier round has left, and what was put back.
    void begin_round() noexcept {
        if (node* const put_back = std::exchange(first_put_back_, nullptr); put_back != nullptr)
            append(put_back, last_put_back_);
        // Acquire: pairs with the release of the exchange in enlist(): the links of all of them, since the exchanges of
        // the other pushers stand in one release sequence with it.
        node* newest = head_.exchange(nullptr, std::memory_order::acquire);
        node* first = nullptr;
        node* const last = newest;
        while (newest != nullptr) {
            node* const older = newest->link.load();
            newest->link.store(first);
            first = std::exchange(newest, older);
        }
        if (first != nullptr) append(first, last);
    }

    /// The owner's thread, in place of begin_round() where this node is never enlisted: hands it out if nothing else is there.
    void take_alone(node& only) noexcept { oldest_ = &only; }

    /// The owner's thread: of the nodes taken and not handed out, the one that was woken first, or null if there is none.
    node* peek() const noexcept { return oldest_; }

    /// The owner's thread: hands out what peek() gives, and says which of its children were woken, at least one.
    bits take_children() noexcept {
        node* const first = oldest_;
        oldest_ = first->link.load();
        // Acquire: pairs with the release of every push() that has set a bit since the last take: the child's poll sees the
        // events. Release: the link has been read, for the acquire of the next push().
        return first->woken.exchange(0, std::memory_order::acq_rel);
    }
    /// The same for nodes of one child: peek(), handed out.
    node* take() noexcept {
        node* const first = oldest_;
        if (first != nullptr) static_cast<void>(take_children());
        return first;
    }

    /// The owner's thread: to be taken in the next round, as if its child had woken itself, but without waking the owner.
    void put_back(node& again) noexcept {
        // Relaxed: a read-modify-write, so it cuts no pusher's release off from the acquire in take(), and the link was
        // written last by this thread or by a pusher whose list this thread has acquired.
        if (again.woken.exchange(1, std::memory_order::relaxed) != 0) return;
        again.link.store(nullptr);
        if (first_put_back_ == nullptr)
            first_put_back_ = &again;
        else
            last_put_back_->link.store(&again);
        last_put_back_ = &again;
    }

    /// The owner's thread: the child has gone. True: the node is in no list and nobody will push it. False: take() gives it
    /// once more; ask again then.
    bool retire(node& gone) noexcept {
        // Relaxed: nothing of the node is read or written after it but by whoever frees it, who acquires the counts.
        return gone.woken.exchange(1, std::memory_order::relaxed) == 0;
    }

private:
    void append(node* first, node* last) noexcept {
        if (oldest_ == nullptr) {
            oldest_ = first;
        } else {
            newest_taken_->link.store(first);
        }
        newest_taken_ = last;
    }

    typename Sync::template atomic<node*> head_{nullptr};  // the newest; any thread pushes
    // The owner's thread: taken and not handed out yet.
    node* oldest_ = nullptr;
    node* newest_taken_ = nullptr;  // the end of that chain, if there is one
    // The owner's thread: put back since the round began.
    node* first_put_back_ = nullptr;
    node* last_put_back_ = nullptr;  // the end of that chain, if there is one
};

}  // namespace pollux::inline v0::detail

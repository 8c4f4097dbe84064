// SPDX-License-Identifier: MIT
// The list of woken children, and the proof that no wake-up of a child is lost. Many threads push, the one that polls
// the owner takes. Used by child_wakers.cpp and child_set.cpp; checked by tests/model/woken_list_model.cpp.
//
// wake (any thread):  (1) node.queued: exchange true; if it was true, nothing more to do. (2) Push the node. (3) If
//                     the list was empty before, wake the owner.
// poll (one thread):  (a) Store the owner's waker. (b) Take the whole list, once. For each node, oldest first: read
//                     its link, (c) node.queued: exchange false, (d) poll the child.
//
// Claim: a poll of the child starts after each wake of it and sees what was written before.
// Proof: (1) is a read-modify-write. It reads true: the (c) that ends this reading comes after it in the order of
// `queued` and acquires what it released, (d) follows; and the node is in the list, or its pusher is between (1) and
// (2). So it is enough that a (b) comes after each (2). The list was empty: (3) follows, and the proof of the waker's
// cell says that (3) causes a poll, or that an (a) has yet to come whose (b) sees the push. The list was not empty:
// no (b) stands between the push onto the empty list and this one, so the (b) that the first push causes comes after
// both.
//
// The owner itself, between polls or in one: (p) put_back: node.queued: exchange true; if it was false, append the node to
// what has been taken: a poll of the owner follows anyway. (r) retire, when the child has gone: node.queued: exchange
// true. It was false: the node is in no list, and each (1) from now on reads true, so it never will be and can be freed.
// It was true: it is in the list, or its pusher is between (1) and (2): take() gives it once more, and then (r) again.
// An owner that has gone retires nobody: a pusher follows no link, so nodes that are still in the list may be freed by
// whoever counts them.
//
// Named races: a node is pushed again while the taker still walks the list that it was in: the taker reads the link
// before (c), and the pusher writes it after its (1) has read what (c) wrote. Two pushers: the loser of the exchange
// takes the new head as its link; that a head left and came back meanwhile does no harm, the link is true either way.
// Taking empties the whole list, so nobody follows a link out of a node that has left.
#pragma once

#include <atomic>
#include <utility>

namespace pollux::inline v0::detail {

template <class Sync>
class woken_list {
public:
    struct node {
        typename Sync::template atomic<bool> queued{false};
        typename Sync::template cell<node*> link{
            nullptr};  // of who set queued; then of the taker, until it clears queued
    };

    woken_list() noexcept = default;
    woken_list(const woken_list&) = delete;
    woken_list& operator=(const woken_list&) = delete;

    /// Any thread. True: the list was empty, the caller wakes the owner.
    bool push(node& woken) noexcept {
        // Release: what the event wrote, for the acquire in take(). Acquire: pairs with the release in take(), so
        // that the link is written only after the taker has read it.
        if (woken.queued.exchange(true, std::memory_order::acq_rel)) return false;
        node* head = head_.load(std::memory_order::relaxed);  // a stale value fails the exchange
        do {
            woken.link.store(head);
            // Release: the link, for the acquire in take(). Failure relaxed: the head is not followed here.
        } while (!head_.compare_exchange_weak(head, &woken, std::memory_order::release, std::memory_order::relaxed));
        return head == nullptr;
    }

    /// The owner's thread, in each poll: takes what was pushed until now, behind what an earlier round has left.
    void begin_round() noexcept {
        // Acquire: pairs with the release of the exchange in push(): the links of all of them, since the exchanges of
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

    /// The owner's thread: what take() would give.
    node* peek() const noexcept { return oldest_; }

    /// The owner's thread: of the nodes taken, the one that was woken first, or null if there is none.
    node* take() noexcept {
        node* const first = oldest_;
        if (first == nullptr) return nullptr;
        oldest_ = first->link.load();
        // Acquire: pairs with the release of every exchange in push() that found it queued: the child's poll sees the
        // events. Release: the link has been read, for the acquire of the next push().
        first->queued.exchange(false, std::memory_order::acq_rel);
        return first;
    }

    /// The owner's thread: to be taken again, behind the others, as if its child had woken itself, but without waking the owner.
    void put_back(node& again) noexcept {
        // Relaxed: a read-modify-write, so it cuts no pusher's release off from the acquire in take(), and the link was
        // written last by this thread or by a pusher whose list this thread has acquired.
        if (again.queued.exchange(true, std::memory_order::relaxed)) return;
        again.link.store(nullptr);
        append(&again, &again);
    }

    /// The owner's thread: the child has gone. True: the node is in no list and nobody will push it. False: take() gives it
    /// once more; ask again then.
    bool retire(node& gone) noexcept {
        // Relaxed: nothing of the node is read or written after it but by whoever frees it, who acquires the counts.
        return !gone.queued.exchange(true, std::memory_order::relaxed);
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
};

}  // namespace pollux::inline v0::detail

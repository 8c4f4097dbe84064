// SPDX-License-Identifier: MIT
// The state of cancellation tokens: nodes of a tree, each with the list of futures that wait for it. Calls wakers.
//
// Invariants, under the lock of the tree: a cancelled node has no waiters, no children and no parent, so the tree holds what can
// still be cancelled. A node that nobody owns stands in the tree only while two or more children need it as the way to what is above
// it: with one child that takes its place, with none it goes. So nodes that nobody owns are fewer than those that somebody does,
// and every step but cancel() takes constant time.
//
// Who may free a node: whoever has taken it out of the tree, after its last owner has gone. Nodes are found through links only
// under the lock, and a node is unlinked and freed by the same thread; an owner needs no lock to use its own node.
// Wakers are cloned before the lock is taken, and called and dropped after it was given back; under it they are moved.
#include "pollux/sync/cancellation_token.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

namespace pollux::inline v0::detail {

namespace {

// Each tree has one of these, in turn: they need no owner, though the tokens of a tree come and go. Enough that two busy trees
// rarely share one. A guess.
constexpr std::size_t lock_count = 64;
struct alignas(64) tree_lock {
    std::mutex mutex;
};
constinit std::array<tree_lock, lock_count> tree_locks{};
constinit std::atomic<std::size_t> trees_made{0};

std::mutex& next_tree_lock() noexcept {
    return tree_locks[trees_made.fetch_add(1, std::memory_order::relaxed) % lock_count]
        .mutex;  // relaxed: any one will do
}

// Woken at once, between two holds of the lock: enough that locking costs little beside waking. A guess.
constexpr std::size_t wakers_per_lock = 16;

}  // namespace

struct cancellation_node : cancellation_head, ring_links {
    explicit cancellation_node(std::mutex& of_tree) noexcept : lock(of_tree) {}

    static cancellation_node& of(cancellation_head& head) noexcept { return static_cast<cancellation_node&>(head); }
    static cancellation_node& of(ring_links& sibling) noexcept { return static_cast<cancellation_node&>(sibling); }

    bool is_marked() const noexcept {
        return is_cancelled.load(std::memory_order::relaxed);  // written under the lock
    }
    void cancel() noexcept;
    /// Under the lock, after something of that has changed. Returns this node if it is to be freed, else null.
    cancellation_node* take_out_if_unused() noexcept;
    static void wake_all(ring_links& woken, std::mutex& lock) noexcept;

    std::mutex& lock;
    cancellation_node* parent = nullptr;
    ring_links children;
    ring_links waiters;
    bool is_owned = true;
    cancellation_node* next_freed = nullptr;
};

namespace {

void free_all(cancellation_node* first) noexcept {
    while (first != nullptr) delete std::exchange(first, first->next_freed);
}

}  // namespace

// --- cancelling ------------------------------------------------------------------------------------------------------------

// The whole of the subtree is marked before the lock is given back: so a second cancel(), here or below, that finds nothing to do
// may say that all is done. Each node is taken apart as it is marked; what is still to do is one list.
void cancellation_node::cancel() noexcept {
    ring_links woken;
    cancellation_node* freed = nullptr;
    {
        const std::lock_guard guard(lock);
        if (is_marked()) return;
        ring_links left;
        cancellation_node* const above = parent;
        leave();
        left.push_back(*this);
        do {
            cancellation_node& node = of(left.first());
            node.leave();
            node.parent = nullptr;
            // Release: what was written before cancel(); pairs with the acquire in is_cancelled().
            node.is_cancelled.store(true, std::memory_order::release);
            woken.take_all_of(node.waiters);
            left.take_all_of(node.children);
            if (!node.is_owned) node.next_freed = std::exchange(freed, &node);
        } while (!left.is_alone());
        if (above != nullptr) {
            if (cancellation_node* const unused = above->take_out_if_unused())
                unused->next_freed = std::exchange(freed, unused);
        }
    }
    free_all(freed);
    wake_all(woken, lock);
}

// `woken` is on the stack of who cancels; a future that is destroyed meanwhile leaves it as it would leave its node's list. A waker may
// drop the last token: nothing of the node is used here.
void cancellation_node::wake_all(ring_links& woken, std::mutex& lock) noexcept {
    for (bool is_done = false; !is_done;) {
        std::array<waker, wakers_per_lock> batch;
        std::size_t n = 0;
        {
            const std::lock_guard guard(lock);
            while (n != batch.size() && !woken.is_alone()) {
                auto& waiter = static_cast<cancellation_waiter&>(woken.first());
                waiter.leave();
                batch[n++] = std::move(waiter.waker_);
            }
            is_done = woken.is_alone();
        }
        for (std::size_t i = 0; i != n; ++i) std::move(batch[i]).wake();
    }
}

void cancellation_ops::cancel(cancellation_head& head) noexcept { cancellation_node::of(head).cancel(); }

// --- the tree --------------------------------------------------------------------------------------------------------------

cancellation_head* cancellation_ops::make_root() { return new cancellation_node(next_tree_lock()); }

cancellation_head* cancellation_ops::make_child(cancellation_head& head) {
    cancellation_node& parent = cancellation_node::of(head);
    auto* const child = new cancellation_node(parent.lock);
    const std::lock_guard guard(parent.lock);
    if (parent.is_marked()) {
        // Nobody else knows it yet. Release: as in cancel(), which this token did not see.
        child->is_cancelled.store(true, std::memory_order::release);
    } else {
        child->parent = &parent;
        parent.children.push_back(*child);
    }
    return child;
}

cancellation_node* cancellation_node::take_out_if_unused() noexcept {
    if (is_owned) return nullptr;
    if (children.is_alone()) {
        leave();
        return this;
    }
    if (!children.has_one()) return nullptr;
    cancellation_node& only = of(children.first());
    only.leave();
    only.parent = parent;
    if (parent != nullptr) only.replace(*this);
    return this;
}

void cancellation_ops::retire(cancellation_head& head) noexcept {
    cancellation_node& node = cancellation_node::of(head);
    cancellation_node* freed = nullptr;
    {
        const std::lock_guard guard(node.lock);
        node.is_owned = false;
        cancellation_node* const above = node.parent;
        freed = node.take_out_if_unused();
        // It may have left its parent with one child.
        if (freed != nullptr && above != nullptr) freed->next_freed = above->take_out_if_unused();
    }
    free_all(freed);
}

// --- waiting ---------------------------------------------------------------------------------------------------------------

bool cancellation_waiter::wait(cancellation_head& head, const waker& to_wake) noexcept {
    cancellation_node& node = cancellation_node::of(head);
    if (has_waited_) {
        const std::lock_guard guard(node.lock);
        if (node.is_marked()) return false;
        if (waker_.will_wake(to_wake)) return true;
    }
    waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
    const std::lock_guard guard(node.lock);
    if (node.is_marked()) return false;
    std::swap(waker_, other);
    if (!has_waited_) node.waiters.push_back(*this);
    has_waited_ = true;
    return true;
}

void cancellation_waiter::withdraw(cancellation_head& head) noexcept {
    waker dropped;  // after the lock was given back
    const std::lock_guard guard(cancellation_node::of(head).lock);
    leave();
    std::swap(waker_, dropped);
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The nodes and the board behind child_set.hpp. The board is what the wakers of the children share: whom to wake, and the
// list of those that were woken. It is counted, by the set and by each node; a node is counted, by the set and by each of its
// wakers. So a waker that is kept holds the memory of its node and of the board, and nothing else.
//
// A node may have to leave while it is in the list of the woken: it is retired then (woken_list.hpp says how), and the set
// keeps it until the list gives it out. A set that goes takes no more from the list, so it only drops its counts.
#include "pollux/stream/detail/child_set.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/core/waker_cell.hpp"
#include "pollux/stream/detail/woken_list.hpp"

namespace pollux::inline v0::detail {

class child_board {
public:
    void count() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // whoever counts is counted
    void drop() noexcept {
        // Release: this owner's last use; acquire: the others'. Partner: this line.
        if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
    }

    waker_cell<waker, std_sync> parent;
    woken_list<std_sync> woken;

private:
    std::atomic<std::size_t> owners_{1};
};

namespace {

constexpr std::size_t default_alignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

struct set_node final : set_child, woken_list<std_sync>::node {
    set_node(child_board& of, std::size_t bytes, std::size_t alignment) noexcept
        : board(of),
          shelf(static_cast<std::uint8_t>(block_cache::shelf_of(bytes))),
          alignment_bits(static_cast<std::uint8_t>(std::countr_zero(alignment))) {
        board.count();
    }
    ~set_node() { board.drop(); }

    static set_node* make(child_board& board, std::size_t bytes, std::size_t alignment) {
        void* const memory =
            alignment <= default_alignment ? take_block(bytes) : ::operator new(bytes, std::align_val_t(alignment));
        return ::new (memory) set_node(board, bytes, alignment);
    }
    void count() noexcept { owners.fetch_add(1, std::memory_order::relaxed); }  // whoever counts is counted
    /// Nobody has a waker of it. Acquire: pairs with the release in drop(): the others' last use.
    bool is_sole() const noexcept { return owners.load(std::memory_order::acquire) == 1; }
    void drop() noexcept {
        // Release: this owner's last use; acquire: the others'. Partners: this line, and is_sole().
        if (owners.fetch_sub(1, std::memory_order::acq_rel) != 1) return;
        const std::size_t its_shelf = shelf;
        const std::size_t its_alignment = std::size_t{1} << alignment_bits;
        this->~set_node();
        if (its_alignment <= default_alignment)
            give_block_to_shelf(this, its_shelf);
        else
            ::operator delete(static_cast<void*>(this), std::align_val_t(its_alignment));
    }

    // Never changes.
    child_board& board;
    // Any thread.
    std::atomic<std::uint32_t> owners{1};
    // Never changes: how the memory goes back.
    const std::uint8_t shelf;
    const std::uint8_t alignment_bits;
    // The owner's thread.
    bool is_retired = false;
};

static_assert(sizeof(set_node) == set_child_bytes);
static_assert(block_cache::shelf_count <= 255);

set_node& node_of(set_child* child) noexcept { return *static_cast<set_node*>(child); }
set_node& node_of(void* data) noexcept { return *static_cast<set_node*>(data); }

void wake(set_node& node) noexcept {
    if (node.board.woken.push(node)) node.board.parent.wake();
}

constexpr waker_table set_child_table{
    [](void* data) noexcept { node_of(data).count(); },
    [](void* data) noexcept { wake(node_of(data)); },
    [](void* data) noexcept {
        wake(node_of(data));
        node_of(data).drop();
    },
    [](void* data) noexcept { node_of(data).drop(); },
    [](const void* data) noexcept { return data; },
};

}  // namespace

void child_set::list::push_back(set_child& child) noexcept {
    child.next = nullptr;
    child.previous = last;
    (last != nullptr ? last->next : first) = &child;
    last = &child;
}

void child_set::list::unlink(set_child& child) noexcept {
    (child.previous != nullptr ? child.previous->next : first) = child.next;
    (child.next != nullptr ? child.next->previous : last) = child.previous;
}

child_set::~child_set() {
    if (board_ == nullptr) return;
    free_all(all_.first);
    free_all(retired_.first);
    if (spare_ != nullptr) node_of(spare_).drop();
    static_cast<void>(board_->parent.take());
    board_->drop();
}

void child_set::free_all(set_child* first) noexcept {
    while (first != nullptr) node_of(std::exchange(first, first->next)).drop();
}

void child_set::swap(child_set& other) noexcept {
    std::swap(board_, other.board_);
    std::swap(all_, other.all_);
    std::swap(retired_, other.retired_);
    std::swap(spare_, other.spare_);
    std::swap(size_, other.size_);
    std::swap(has_poller_, other.has_poller_);
}

set_child* child_set::make_node(std::size_t bytes, std::size_t alignment) {
    if (spare_ != nullptr) return std::exchange(spare_, nullptr);
    if (board_ == nullptr) board_ = new child_board();
    return set_node::make(*board_, bytes, alignment);
}

void child_set::give_back(set_child* node) noexcept { recycle(node); }

void child_set::add(set_child* child) noexcept {
    all_.push_back(*child);
    ++size_;
    board_->woken.put_back(node_of(child));
}

void child_set::take_out(set_child& child) noexcept {
    all_.unlink(child);
    --size_;
}

void child_set::retire(set_child& child) noexcept {
    set_node& node = node_of(&child);
    if (board_->woken.retire(node)) return recycle(&child);
    node.is_retired = true;
    retired_.push_back(child);
}

// It is in no list, and nobody pushes it: for the next child if no waker is left.
void child_set::recycle(set_child* child) noexcept {
    set_node& node = node_of(child);
    if (spare_ != nullptr || !node.is_sole()) return node.drop();
    node.woken.store(0, std::memory_order::relaxed);  // nobody else knows it
    spare_ = child;
}

set_child* child_set::begin_poll(context& cx) {
    if (board_ == nullptr) board_ = new child_board();
    board_->parent.store(cx.waker());
    board_->woken.begin_round();
    has_poller_ = true;
    return next_woken(cx);
}

set_child* child_set::next_woken(context& cx) noexcept {
    for (;;) {
        auto* const node = static_cast<set_node*>(board_->woken.peek());
        if (node == nullptr) return nullptr;
        if (!node->is_retired) {
            if (!cx.consume_budget()) return nullptr;
            board_->woken.take();
            return node;
        }
        board_->woken.take();
        if (!board_->woken.retire(*node)) continue;
        node->is_retired = false;
        retired_.unlink(*node);
        recycle(node);
    }
}

void child_set::put_back(set_child& child) noexcept { board_->woken.put_back(node_of(&child)); }

waker child_set::uncounted(set_child& child) noexcept { return waker(&node_of(&child), &set_child_table); }

void child_set::wake_parent() noexcept { board_->parent.wake(); }

}  // namespace pollux::inline v0::detail

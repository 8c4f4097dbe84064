// SPDX-License-Identifier: MIT
// The entries of a join_set, and the board where they put themselves when their task has ended: a list of them, and the waker of whoever
// polls the set. Both are counted, for the end of a task may come when the set has gone.
//
// Who holds what. An entry: the set, until it is taken out; and the waker in the joiner slot of its task, which the end of the task
// calls once, or the set takes back. A board: the set, and each entry.
//
// The list is woken_list, with its proof: the end of a task is the wake of a child, and join_entries::poll the poll of the owner. But it
// looks first and registers only if there is nothing: a waker that stays behind an answer would cause a poll for nothing. So there are
// rounds (b) without an (a). The proof needs an (a) before the last (b) of a poll that answers pending, and that is so: what was pushed
// before that (b) is found, and the push onto an empty list after it finds the waker of that (a), or one who pushed earlier has taken
// and called it, and in the poll that this causes the same holds again.
// An entry stands on the board once, for a task ends once. It may be pushed when the set has gone, or has left its tasks. So a set that
// leaves its tasks leaves the board as well: nobody takes from it any more, and a pusher follows no link.
#include "pollux/runtime/join_entries.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker_cell.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/stream/detail/woken_list.hpp"

namespace pollux::inline v0::detail {

namespace {

struct board_entry;

}  // namespace

class join_board {
public:
    void count() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // whoever counts is counted
    void drop() noexcept {
        // Release: this owner's last use; acquire: the others'. Partner: this line.
        if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
    }

    /// The task of `entry` has ended. Any thread.
    void put(board_entry& entry) noexcept;
    /// The one that was put here first, or null: then `parent` will be woken.
    board_entry* take(const waker& parent) noexcept;
    /// Whoever was to be woken.
    waker take_parent() noexcept { return parent_.take(); }

private:
    std::atomic<std::uint32_t> owners_{1};
    waker_cell<waker, std_sync> parent_;
    woken_list<std_sync> ended_;
};

namespace {

struct board_entry final : join_entry, woken_list<std_sync>::node {
    explicit board_entry(join_board& of) noexcept : board(of) { board.count(); }
    ~board_entry() { board.drop(); }

    static board_entry& make(join_board& board) { return *::new (take_block(sizeof(board_entry))) board_entry(board); }
    void count() noexcept { owners.fetch_add(1, std::memory_order::relaxed); }  // whoever counts is counted
    void drop() noexcept {
        // Release: this owner's last use; acquire: the others'. Partner: this line.
        if (owners.fetch_sub(1, std::memory_order::acq_rel) != 1) return;
        this->~board_entry();
        give_block(this, sizeof(board_entry));
    }

    join_board& board;
    std::atomic<std::uint32_t> owners{1};
};

board_entry& of(void* data) noexcept { return *static_cast<board_entry*>(data); }

constexpr waker_table entry_table{
    [](void* data) noexcept { of(data).count(); },
    [](void* data) noexcept { of(data).board.put(of(data)); },
    [](void* data) noexcept {
        of(data).board.put(of(data));
        of(data).drop();
    },
    [](void* data) noexcept { of(data).drop(); },
    [](const void* data) noexcept { return data; },
};

}  // namespace

void join_board::put(board_entry& entry) noexcept {
    if (ended_.push(entry)) parent_.wake();
}

board_entry* join_board::take(const waker& parent) noexcept {
    if (auto* const found = ended_.take()) return static_cast<board_entry*>(found);
    ended_.begin_round();
    if (auto* const found = ended_.take()) return static_cast<board_entry*>(found);
    parent_.store(parent);
    ended_.begin_round();
    return static_cast<board_entry*>(ended_.take());
}

void join_entries::releaser::operator()(join_entry* entry) const noexcept { static_cast<board_entry*>(entry)->drop(); }

join_entries::owned_entry join_entries::reserve() {
    if (board_ == nullptr) board_ = new join_board();
    return owned_entry(&board_entry::make(*board_));
}

void join_entries::add(owned_entry entry) noexcept {
    auto& added = static_cast<board_entry&>(*entry.release());
    added.next = first_;
    if (first_ != nullptr) first_->previous = &added;
    first_ = &added;
    ++size_;
    waker to_wake(&added, &entry_table);  // without a count: lent to the registration, which clones it
    if (added.task == nullptr || task_ops::poll_join(*added.task, to_wake)) added.board.put(added);
    to_wake.forget();
    if (at_end_) std::exchange(at_end_, waker()).wake();
}

join_entries::owned_entry join_entries::poll(context& cx) noexcept {
    if (size_ == 0) {
        if (!at_end_.will_wake(cx.waker())) at_end_ = cx.waker();
        return nullptr;
    }
    if (ended_ == nullptr) ended_ = board_->take(cx.waker());
    if (ended_ == nullptr || !cx.consume_budget()) return nullptr;
    join_entry* const taken = std::exchange(ended_, nullptr);
    (taken->previous != nullptr ? taken->previous->next : first_) = taken->next;
    if (taken->next != nullptr) taken->next->previous = taken->previous;
    --size_;
    return owned_entry(taken);
}

void join_entries::abort_all() noexcept {
    for (join_entry* each = first_; each != nullptr; each = each->next)
        if (each->task != nullptr) task_ops::abort(*each->task);
}

// Whoever has polled last may wait for tasks that are about to leave: he is to look again.
waker join_entries::take_poller() noexcept {
    if (at_end_) return std::exchange(at_end_, waker());
    return board_ != nullptr ? board_->take_parent() : waker();
}

void join_entries::detach_all() noexcept {
    if (size_ == 0) return;
    join_entries gone(std::move(*this));
    waker poller = gone.take_poller();
    gone.leave_all(false);
    std::move(poller).wake();
}

join_entries& join_entries::operator=(join_entries&& other) noexcept {
    join_entries mine(std::move(other));
    swap(mine);
    mine.take_poller().wake();
    return *this;
}

void join_entries::swap(join_entries& other) noexcept {
    std::swap(board_, other.board_);
    std::swap(first_, other.first_);
    std::swap(ended_, other.ended_);
    std::swap(size_, other.size_);
    std::swap(at_end_, other.at_end_);
}

void join_entries::leave_all(bool with_abort) noexcept {
    ended_ = nullptr;
    size_ = 0;
    while (first_ != nullptr) {
        const owned_entry left(std::exchange(first_, first_->next));
        if (left->task == nullptr) continue;
        if (with_abort) task_ops::abort(*left->task);
        task_ops::drop_join(*left->task);
    }
    if (board_ == nullptr) return;
    static_cast<void>(board_->take_parent());
    std::exchange(board_, nullptr)->drop();
}

}  // namespace pollux::inline v0::detail

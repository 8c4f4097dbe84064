// SPDX-License-Identifier: MIT
// Whom the children of an adapter wake: its owner's waker, which mostly is the same in each poll. So store() is mostly one load
// where that of waker_cell is two read-modify-writes. Used by child_groups.
#pragma once

#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/core/waker_cell.hpp"

namespace pollux::inline v0::detail {

class parent_cell {
public:
    /// The owner's thread, in each poll, before it looks who was woken.
    void store(const waker& parent) noexcept {
        if (parent.data() == data_ && parent.table() == table_) {
            if (cell_.keep()) return;
        } else {
            data_ = parent.data();
            table_ = parent.table();
        }
        cell_.store(parent);
    }
    /// Any thread.
    void wake() noexcept { cell_.wake(); }
    /// The owner's thread: it polls no more.
    void clear() noexcept { static_cast<void>(cell_.take()); }

private:
    waker_cell<waker, std_sync> cell_;
    // The owner's thread: what was stored last. While it is in the cell it is counted there, so its memory is no other task's.
    void* data_ = nullptr;
    const waker_table* table_ = nullptr;
};

}  // namespace pollux::inline v0::detail

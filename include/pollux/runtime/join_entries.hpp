// SPDX-License-Identifier: MIT
// The tasks of a join_set, without their types: each has an entry on the heap, with a waker that the end of the task calls. Entries whose
// task has ended stand in a list, so looking for one costs the same however many tasks there are. The work is in lib/scheduler.
//
// Threads: one at a time; the ends of tasks, any.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class join_board;

// The parts of a join handle, whose interest in the result the entry has.
struct join_entry {
    task_header* task = nullptr;  // null: the runtime had ended before the task was spawned
    void* result = nullptr;
    task_id id;
    void (*take)(join_entry&, void* answer) = nullptr;  // moves the result into what `answer` points to, or throws
    join_entry* previous = nullptr;
    join_entry* next = nullptr;
};

class POLLUX_API join_entries {
public:
    // Of an entry that is in no set: one that was reserved, or taken.
    struct POLLUX_API releaser {
        void operator()(join_entry*) const noexcept;
    };
    using owned_entry = std::unique_ptr<join_entry, releaser>;

    join_entries() noexcept = default;
    join_entries(join_entries&& other) noexcept
        : board_(std::exchange(other.board_, nullptr)),
          first_(std::exchange(other.first_, nullptr)),
          ended_(std::exchange(other.ended_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          at_end_(std::move(other.at_end_)) {}
    /// Aborts those that are here.
    join_entries& operator=(join_entries&& other) noexcept;
    /// Aborts all.
    ~join_entries() { leave_all(true); }

    /// An entry for a task that is about to be spawned. Throws: std::bad_alloc.
    owned_entry reserve();
    /// Puts it in, with its task; waits for that from now on.
    void add(owned_entry entry) noexcept;

    /// The entry of the task that ended first, taken out. Null while there is none: `cx` is registered, also for the next add()
    /// to an empty set.
    owned_entry poll(context& cx) noexcept;

    void abort_all() noexcept;
    void detach_all() noexcept;
    std::size_t size() const noexcept { return size_; }

private:
    void swap(join_entries& other) noexcept;
    waker take_poller() noexcept;
    void leave_all(bool with_abort) noexcept;

    join_board* board_ = nullptr;  // from the first entry on
    join_entry* first_ = nullptr;  // of all that are in the set
    join_entry* ended_ = nullptr;  // has left the board; the poll that found it had no budget for it
    std::size_t size_ = 0;
    waker at_end_;  // of the latest poll, if it found the set empty
};

}  // namespace pollux::inline v0::detail

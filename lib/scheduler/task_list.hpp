// SPDX-License-Identifier: MIT
// The tasks of a runtime that have waited at least once, so that its end can reach those that nobody else will ever touch. A task
// that has never waited is in a queue or being polled, where a worker comes upon it. Sharded, a short lock each; a task is
// linked through its header, so nothing is allocated.
//
// Called by the worker that parks a task for the first time, or a forked child of it, and by the one that ends it; by the thread
// that ends the runtime.
// No user code runs under a lock: a wake-up of a task only queues it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "pollux/core/short_lock.hpp"
#include "pollux/core/task_header.hpp"

namespace pollux::inline v0::detail {

// What a try has come to. locked: the lock is still held, so unlock() comes next. The task may have been inserted by then or not, and insert()
// says what became of it; it has been removed.
enum class list_try : std::uint8_t { done, not_done, locked };

/// Threads: any; remove() and try_remove() by whoever has marked the task as running.
class task_list {
public:
    /// `shards` is a power of two.
    explicit task_list(std::size_t shards) : shards_(std::make_unique<shard[]>(shards)), mask_(shards - 1) {}

    /// False: the list is closed. A task that is there already stays there.
    bool insert(task_header& task) noexcept {
        shard& home = shard_of(task);
        const std::lock_guard guard(home.lock);
        if (home.is_closed) return false;
        if (!task.was_linked()) home.tasks.link(task);
        return true;
    }
    /// One that was inserted.
    void remove(task_header& task) noexcept {
        shard& home = shard_of(task);
        const std::lock_guard guard(home.lock);
        task.unlink();
    }
    /// insert() and remove() where nobody is in the way, without a call, for who has a last call for the rest.
    [[nodiscard]] list_try try_insert(task_header& task) noexcept {
        shard& home = shard_of(task);
        if (!home.lock.try_lock()) return list_try::not_done;
        if (home.is_closed) return list_try::locked;
        if (!task.was_linked()) home.tasks.link(task);
        return home.lock.try_unlock() ? list_try::done : list_try::locked;
    }
    [[nodiscard]] list_try try_remove(task_header& task) noexcept {
        shard& home = shard_of(task);
        if (!home.lock.try_lock()) return list_try::not_done;
        task.unlink();
        return home.lock.try_unlock() ? list_try::done : list_try::locked;
    }
    /// The shard of a task for which a try has answered `locked`: others sleep until then, or the list is closed.
    void unlock(task_header& task) noexcept { shard_of(task).lock.unlock(); }
    /// Visits what is there at some moment.
    template <class Visit>
    void for_each(Visit&& visit) noexcept {
        for (std::size_t i = 0; i <= mask_; ++i) {
            const std::lock_guard guard(shards_[i].lock);
            visit_all(shards_[i].tasks, visit);
        }
    }
    /// From now on nothing is inserted. Visits what is there.
    template <class Visit>
    void close(Visit&& visit) noexcept {
        for (std::size_t i = 0; i <= mask_; ++i) {
            shard& each = shards_[i];
            const std::lock_guard guard(each.lock);
            each.is_closed = true;
            visit_all(each.tasks, visit);
        }
    }

private:
    struct alignas(64) shard {
        short_lock lock;
        // Guarded by it.
        task_links tasks;
        bool is_closed = false;
    };

    template <class Visit>
    static void visit_all(task_links& circle, Visit& visit) noexcept {
        for (task_links* one = circle.next_task(); one != &circle; one = one->next_task())
            visit(static_cast<task_header&>(*one));
    }

    shard& shard_of(const task_header& task) noexcept {
        // Blocks of one size follow each other: fold the middle bits, in which they differ.
        const auto address = reinterpret_cast<std::uintptr_t>(&task);
        return shards_[(address >> 7 ^ address >> 12) & mask_];
    }

    std::unique_ptr<shard[]> shards_;
    std::size_t mask_;
};

}  // namespace pollux::inline v0::detail

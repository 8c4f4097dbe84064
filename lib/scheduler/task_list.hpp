// SPDX-License-Identifier: MIT
// All tasks of a runtime, so that its end can reach those that nobody else will ever touch. Sharded, a short lock each; a task is
// linked through its header, so nothing is allocated.
//
// Called by spawn, by the worker that ends a task, and by the thread that ends the runtime.
// No user code runs under a lock: a wake-up of a task only queues it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "pollux/core/task_header.hpp"
#include "scheduler/short_lock.hpp"

namespace pollux::inline v0::detail {

class task_list {
public:
    /// `shards` is a power of two.
    explicit task_list(std::size_t shards)
        : shards_(std::make_unique<shard[]>(shards)), mask_(shards - 1), open_shards_(shards) {}

    /// False: the list is closed. Called before the task is scheduled.
    bool insert(task_header& task) noexcept {
        shard& home = shard_of(task);
        const std::lock_guard guard(home.lock);
        if (home.is_closed) return false;
        link(home, task);
        ++home.count;
        ++home.spawned;
        return true;
    }
    /// True: the list is closed, and this was the last task of it.
    bool remove(task_header& task) noexcept {
        shard& home = shard_of(task);
        const std::lock_guard guard(home.lock);
        unlink(home, task);
        --home.count;
        return home.is_closed && home.count == 0 && close_one();
    }
    /// From now on nothing is inserted. True: it was empty.
    template <class Visit>
    bool close(Visit&& visit) noexcept {
        bool is_empty = false;
        for (std::size_t i = 0; i <= mask_; ++i) {
            shard& each = shards_[i];
            const std::lock_guard guard(each.lock);
            if (each.is_closed) continue;
            each.is_closed = true;
            for (task_header* task = each.first; task != nullptr; task = task->next_task) visit(*task);
            if (each.count == 0 && close_one()) is_empty = true;
        }
        return is_empty;
    }
    std::uint64_t alive() const noexcept {
        return sum([](const shard& each) { return each.count; });
    }
    std::uint64_t spawned() const noexcept {
        return sum([](const shard& each) { return each.spawned; });
    }

private:
    struct alignas(64) shard {
        mutable short_lock lock;
        // All guarded by it.
        task_header* first = nullptr;
        std::uint64_t count = 0;
        std::uint64_t spawned = 0;
        bool is_closed = false;
    };

    shard& shard_of(const task_header& task) noexcept {
        // Blocks of one size follow each other: fold the middle bits, in which they differ.
        const auto address = reinterpret_cast<std::uintptr_t>(&task);
        return shards_[(address >> 7 ^ address >> 12) & mask_];
    }
    static void link(shard& home, task_header& task) noexcept {
        task.previous_task = nullptr;
        task.next_task = home.first;
        if (home.first != nullptr) home.first->previous_task = &task;
        home.first = &task;
    }
    static void unlink(shard& home, task_header& task) noexcept {
        (task.previous_task != nullptr ? task.previous_task->next_task : home.first) = task.next_task;
        if (task.next_task != nullptr) task.next_task->previous_task = task.previous_task;
    }
    bool close_one() noexcept {
        // Acquire and release: whoever closes the last shard has seen the ends of all tasks. Partner: this line.
        return open_shards_.fetch_sub(1, std::memory_order::acq_rel) == 1;
    }
    template <class Read>
    std::uint64_t sum(Read&& read) const noexcept {
        std::uint64_t total = 0;
        for (std::size_t i = 0; i <= mask_; ++i) {
            const std::lock_guard guard(shards_[i].lock);
            total += read(shards_[i]);
        }
        return total;
    }

    std::unique_ptr<shard[]> shards_;
    std::size_t mask_;
    std::atomic<std::size_t> open_shards_;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The head of every spawned task, and of every forked child that has been suspended once. It outlives the future: wakers, join
// handles and abort handles point to it. The scheduler (floor 4) defines what its state word means and fills in the hooks.
//
// Where it stands: a cell {header, future or result} for a plain future; [result][header][frame] in one block for a coroutine.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>

#include "pollux/core/export.hpp"
#include "pollux/core/runnable.hpp"
#include "pollux/core/task_state.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0 {

/// Names a task for as long as the process lives: ids are given once, and grow with the time of spawning on each thread.
struct task_id {
    std::uint64_t value = 0;
    friend bool operator==(const task_id&, const task_id&) = default;
    friend auto operator<=>(const task_id&, const task_id&) = default;
};

namespace detail {

struct task_header;

// How a poll of a task ended. moved: a thief holds its frame and goes on with the same poll; touch nothing of the task.
// abandoned: it was cancelled, its future is destroyed and has left no result.
enum class poll_end : std::uint8_t { finished, pending, moved, abandoned };

// What a task keeps beside its header while its future lives.
struct task_identity {
    task_id id;
    std::source_location spawned_at;
};

// Whoever schedules tasks: the hook that the header calls. Lives until its last task has ended.
struct POLLUX_API task_home {
    /// The task has been marked to be polled and a reference was added for the queue: see that it runs. Any thread.
    virtual void schedule(task_header&) noexcept = 0;

protected:
    ~task_home() = default;
};

// A circle of tasks; whoever has it stands in it with links of its own, so that no end needs a question. Guarded by its lock, but for
// was_linked(): a neighbour that is linked or unlinked meanwhile writes that link, and never null; and but for who only prefetches what the
// links point to, whatever that is by then. All accesses are relaxed: the lock orders them.
class task_links {
public:
    constexpr task_links() noexcept : previous_task_(this), next_task_(this) {}
    task_links(const task_links&) = delete;
    task_links& operator=(const task_links&) = delete;

    /// Of what stands in a circle.
    task_links* next_task() const noexcept { return next_task_.load(std::memory_order::relaxed); }
    /// The same. Null: it was never linked.
    task_links* previous_task() const noexcept { return previous_task_.load(std::memory_order::relaxed); }
    void link(task_links& one) noexcept {
        task_links* const next = next_task();
        one.previous_task_.store(this, std::memory_order::relaxed);
        one.next_task_.store(next, std::memory_order::relaxed);
        next->previous_task_.store(&one, std::memory_order::relaxed);
        next_task_.store(&one, std::memory_order::relaxed);
    }
    void unlink() noexcept {
        task_links *const before = previous_task(), *const next = next_task();
        before->next_task_.store(next, std::memory_order::relaxed);
        next->previous_task_.store(before, std::memory_order::relaxed);
    }
    /// Of a task: it stands in a circle, or has stood in one. By whoever has marked it as running, or under the lock.
    bool was_linked() const noexcept { return previous_task() != nullptr; }

    /// Of a task that is in no circle any more: its id, kept for a report.
    void keep_failed_id(std::uint64_t id) noexcept {
        next_task_.store(reinterpret_cast<task_links*>(id), std::memory_order::relaxed);
    }
    std::uint64_t failed_id() const noexcept { return reinterpret_cast<std::uint64_t>(next_task()); }

protected:
    enum class unlinked { yet };
    explicit task_links(unlinked) noexcept
        : previous_task_(nullptr), next_task_(nullptr) {}  // link() comes later, or never

private:
    std::atomic<task_links*> previous_task_;
    std::atomic<task_links*> next_task_;  // or the id of keep_failed_id()
};

struct POLLUX_API task_header : runnable, task_links {
    /// Destroys the future, which is not being polled; set_cancelled() follows.
    virtual void destroy_future(execution&) noexcept = 0;
    /// Leaves "cancelled" as the result of a future that has been destroyed.
    virtual void set_cancelled() noexcept = 0;
    /// After the future's end.
    virtual bool holds_exception() const noexcept = 0;
    /// Destroys a result that nobody will take, and that is no exception.
    virtual void drop_value() noexcept {}
    /// Destroys the result that nobody will take. If it is an exception, that is handed out instead of being dropped.
    virtual std::exception_ptr drop_result() noexcept = 0;
    /// Only while the future lives.
    virtual task_identity identity() const noexcept = 0;
    /// The task_scope whose child it is, or null. Only while the future lives.
    virtual const void* scope() const noexcept { return nullptr; }
    /// The future is gone: leaves its block with the header, which others may still use, in the link, as it stands in no queue.
    /// `room`: bytes of the block in front of the header. `shelf`: of block_cache.
    void keep_block(std::size_t room, std::size_t shelf) noexcept {
        next = reinterpret_cast<runnable*>(room << shelf_bits | shelf);
    }
    /// Behind that, of a frame. A forked child is linked from the first, so for a task that has never waited there is no call.
    void frame_ended() noexcept {
        if (was_linked()) linked_frame_ended();
    }
    /// It may be freed by that.
    virtual void linked_frame_ended() noexcept {}

    task_header* owner() noexcept override { return this; }

    static constexpr unsigned shelf_bits = 8;

    // By read-modify-writes only, once the queue has published it. With a join handle's part until one knows better.
    task_states::word state{task_states::initial(true)};
    // Written when the task is started.
    task_home* home;
    union {
        // Who waits for the result: the bits join_interest and join_waker of `state` say who may touch it. Nothing before that.
        waker joiner;
        // Of a forked child: the task whose it is.
        task_header* forked_from;
    };

protected:
    task_header() noexcept : task_links(unlinked::yet) {}
    ~task_header() {}  // its block is given back by the last reference
};

// A cache line: it stands in front of every coroutine frame.
static_assert(sizeof(task_header) == 64);

// Of this thread: ids come in blocks, so that spawning threads do not write one line in turn.
inline constexpr std::uint64_t task_id_block = 1024;
POLLUX_API extern constinit thread_local std::uint64_t next_task_id [[gnu::tls_model("initial-exec")]];
POLLUX_API task_id first_id_of_block() noexcept;

/// An id that was never given before.
inline task_id new_task_id() noexcept {
    if (next_task_id % task_id_block == 0) [[unlikely]]
        return first_id_of_block();
    return task_id{next_task_id++};
}

}  // namespace detail
}  // namespace pollux::inline v0

template <>
struct std::hash<pollux::task_id> {
    std::size_t operator()(pollux::task_id id) const noexcept { return std::hash<std::uint64_t>()(id.value); }
};

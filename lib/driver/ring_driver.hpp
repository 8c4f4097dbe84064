// SPDX-License-Identifier: MIT
// The io_uring of a reactor: what a worker sleeps in when its runtime was made with io_driver::uring. The epoll set stays, for what is
// only waited for: the ring watches its descriptor like any other.
//
// Operations. Who starts one keeps it, and all memory that it names, until done() was called: that is when the kernel has let go of
// them, also if it was cancelled. done() is called by who has the seat, once for each start(); of those that go on by themselves, once more
// for each part before, with IORING_CQE_F_MORE.
//
// When the kernel hears of it. A worker pushes only; it submits by its next wait, which is before it sleeps or is away, and once in an
// interval while it is busy (worker.hpp). Every other thread submits at once, by settle().
//
// Lifetime. It is counted, for sockets may outlive the runtime; closed, it touches nothing of that. close() waits for what is under way, and
// for who is inside of look() or submit(): all count in under_way_ before they look whether it is closed.
//
// A child of fork() shares the rings with its parent, and so leaves them alone: to it the driver is closed.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "driver/ring.hpp"
#include "driver/ring_buffers.hpp"
#include "driver/source_set.hpp"
#include "scheduler/event_driver.hpp"
#include "scheduler/fork_guard.hpp"
#include "scheduler/runtime_core.hpp"

namespace pollux::inline v0::detail {

struct ring_operation {
    void (*done)(ring_operation& self, int result, unsigned flags) noexcept;
};

class ring_driver {
public:
    using time_point = ring::time_point;

    struct setup {
        ring::setup rings{};
        // For all that receive: they are copied from and given back at once, so that one that nobody reads keeps none. Guesses.
        unsigned buffers = 128, buffer_bytes = 8 * 1024;
        // What a peer has to take what was sent before its stream was left. A guess; with epoll that is the system's, which gives up sooner
        // or later, too.
        std::chrono::seconds time_to_close{30};
    };

    /// The first owner is the caller. Throws: std::system_error, std::bad_alloc.
    static ring_driver& make(runtime_core& core, event_driver& seat, source_set& sources, const setup& how) {
        return *new ring_driver(core, seat, sources, how);
    }
    ring_driver(const ring_driver&) = delete;
    ring_driver& operator=(const ring_driver&) = delete;
    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // whoever adds one is one
    void drop_owner() noexcept;

    /// `entry` is an operation but for its user data. False: the system or the end of the runtime forbids it; done() will not be called.
    /// Threads: any; settle() follows, without locks.
    bool start(ring_operation& one, io_uring_sqe entry) noexcept;
    /// Asks the kernel to give an operation up; done() is called all the same. Threads: as start().
    bool cancel(ring_operation& one) noexcept;
    /// After start() and cancel(). Threads: any.
    void settle() noexcept;
    /// Submits, and hands out what has ended; but if somebody has the seat, that is theirs. Threads: any, without locks.
    void look() noexcept;

    // As those of event_driver.
    void wait(time_point deadline) noexcept;
    bool hand_out() noexcept;
    void interrupt() noexcept;
    void submit() noexcept;

    /// For done().
    ring_buffers& buffers() noexcept { return buffers_; }
    /// How long a socket that was left goes on. Until done() this is where it was.
    const __kernel_timespec& time_to_close() const noexcept { return time_to_close_; }

    /// A child of fork(): nothing in here is its own.
    bool is_in_child() const noexcept { return fork_guard_.is_in_child(); }

    /// From now on nothing can be started. What is under way is given up; returns how much of it has not ended by the deadline: the
    /// kernel does not let go of a file that does not answer. Then it is to be called again. Threads: one at a time, when no worker is
    /// left.
    std::size_t close(time_point deadline) noexcept;

private:
    // Handed out at once, as events of the epoll set.
    static constexpr std::size_t most_at_once = 128;

    ring_driver(runtime_core& core, event_driver& seat, source_set& sources, const setup& how);
    ~ring_driver() = default;
    bool is_closed() const noexcept;
    bool is_on_worker() const noexcept;
    void watch_sources() noexcept;

    runtime_core& core_;
    event_driver& seat_;
    source_set& sources_;
    ring ring_;
    ring_buffers buffers_;
    const __kernel_timespec time_to_close_;
    const fork_guard fork_guard_;
    std::atomic<std::size_t> owners_{1};
    std::atomic<bool> is_closed_{false};
    std::atomic<std::size_t> under_way_{0};

    // Of who has the seat.
    std::array<io_uring_cqe, most_at_once> ended_;
    std::size_t ended_count_ = 0;
    bool is_watching_ = false;       // the epoll set
    bool are_more_sources_ = false;  // than one look at it took
};

}  // namespace pollux::inline v0::detail

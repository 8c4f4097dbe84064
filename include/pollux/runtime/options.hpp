// SPDX-License-Identifier: MIT
// What a runtime is made from.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include "pollux/core/task_header.hpp"
#include "pollux/runtime/long_poll.hpp"

namespace pollux::inline v0 {

/// What sockets wait by.
enum class io_driver : unsigned char {
    /// Readiness, and a system call for each operation. On every Linux.
    epoll,
    /// Operations of streams, listeners and files are handed to the kernel, many in one system call. Linux 6.0 or newer, where it is allowed.
    uring,
};

/// The options of a runtime. Each has a default that suits a server. Senseless ones throw std::invalid_argument where
/// the runtime is made.
struct runtime_options {
    /// Worker threads. 0: as many as the CPUs that this process may use (affinity mask and cgroup quota). At most 4096.
    unsigned workers = 0;
    /// Threads that `blocking` may have at once; they are started when jobs have waited. At least 1.
    unsigned max_blocking_threads = 512;
    /// Jobs of `offload` that run at once. 0: as many as workers. At most 4096.
    unsigned cpu_slots = 0;
    /// Jobs of `offload` that are queued or running at once; past it an offload future waits its turn. At least 1. A larger
    /// value costs memory under overload and nothing else.
    std::size_t max_offloaded = 1024;
    /// Threads are called by it, with a number; the system keeps 15 characters.
    std::string name = "pollux";
    /// 0: random. Else the order of stealing and the choices that fairness makes repeat.
    std::uint64_t seed = 0;
    /// Called on each thread of the runtime, workers, those that stand in for them and blocking threads, before its first and after
    /// its last work. The runtime is not the thread's current one in there. An exception of on_thread_start comes out of the runtime's
    /// constructor; one of on_thread_stop, or on a thread that is to stand in, is one line on stderr. The runtime waits for them, so they must
    /// not wait for it, nor end it; the same holds for destructors of thread_local objects on these threads, and for on_long_poll.
    std::function<void()> on_thread_start = {}, on_thread_stop = {};
    /// Called with what a task threw that nobody will see: its handle was dropped or detached. Empty: one line on stderr.
    /// Runs on the worker that ended the task, or the thread that dropped the handle.
    std::function<void(task_id, std::exception_ptr)> on_unhandled_exception = {};
    /// How long a thread of `blocking`, or one that stands in for workers, waits for its next job before it ends.
    std::chrono::nanoseconds blocking_keep_alive = std::chrono::seconds(10);
    /// Sleeps, timeouts and intervals end at the first multiple of it behind their deadlines, so they are late by up to a tick and never
    /// early. At least 1 ns, at most 1 s. Those of a tick cost one wake-up of their worker together: a shorter one costs more of them.
    std::chrono::nanoseconds timer_tick = std::chrono::milliseconds(1);
    /// With uring, a stream reads ahead, up to 64 KiB and what is on its way by then, and what was written, up to 64 KiB, is sent once its
    /// worker has nothing else to do: `flush` and `shutdown` wait for that, and an error comes with the next operation. Closing goes on with it
    /// for 30 s; what a peer has not taken by then, or when the runtime ends, is lost. A listener that is dropped while somebody has waited
    /// for it ends in other processes that share it, too. A stream or listener that was connected or has waited in such a runtime belongs to
    /// it: after its end it has only what `try_read` and `try_write` give, and for these what has come or gone just now may be on its way
    /// still. A runtime that cannot have it throws std::system_error,
    /// a sim_runtime has no sockets anyway. Datagrams and all other descriptors wait by readiness with both. A stream costs an allocation and
    /// memory for what it has read and sent then, and the runtime 1 MiB.
    io_driver io = io_driver::epoll;
    /// Polls that take longer are reported once, unless all that they wait for is a processor. A thread of its own looks at all workers every 5 ms, or twice in the limit if that
    /// is shorter, but at most every millisecond; it sleeps when they have slept for a second. It also has another thread stand in
    /// for a worker that has been in one poll for 5 ms, so that its other tasks and sleeps go on. 0: no such thread, no reports, and
    /// a poll that blocks holds up what is queued behind it. A current_thread_runtime has none.
    std::chrono::nanoseconds watchdog_limit = std::chrono::milliseconds(100);
    /// Called with each poll that takes longer than watchdog_limit, once, while it runs; at most ten in a row and then one a second.
    /// Empty: a line on stderr, and more when the poll has ended. Runs on the watchdog's thread, which does nothing else meanwhile.
    std::function<void(const long_poll&)> on_long_poll = {};
};

}  // namespace pollux::inline v0

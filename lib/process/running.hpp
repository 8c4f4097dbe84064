// SPDX-License-Identifier: MIT
// A child process that has not been waited for yet, and who waits for it at last: nobody else but its parent can, and until then
// it is a zombie once it has ended.
//
//   `child` waits:           it takes the status and the object ends.
//   `child` is dropped:      abandon(). If the process has ended, that is all. Else the object goes to a task of the current runtime that
//                            waits for the end; where there is no runtime, or the runtime ends first, into the list of orphans, which
//                            each spawn, wait and drop in this process looks through.
//
// The memory for the task is taken when the process is started, for a drop may not allocate.
// Threads: an object is used by one at a time; the list by any.
#pragma once

#include <expected>
#include <optional>
#include <system_error>

#include "pollux/net/source.hpp"
#include "pollux/process/exit_status.hpp"
#include "pollux/runtime/future_cell.hpp"

namespace pollux::inline v0::process::detail {

struct running;

// The task that waits for the end of a process whose `child` was dropped.
class reap_future {
public:
    using value_type = void;
    using error_type = never;

    explicit reap_future(running& of) noexcept : of_(&of) {}
    reap_future(reap_future&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    reap_future& operator=(reap_future) = delete;
    ~reap_future();

    polled<void> poll(context& cx);

private:
    running* of_;
};

struct running {
    /// Without a process. Throws: std::bad_alloc.
    running();
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running();

    /// How it has ended, if it has: then it is no zombie any more. Errors: std::errc::no_child_process.
    std::expected<std::optional<exit_status>, std::error_code> try_wait() noexcept;
    /// As try_wait(), when it has ended.
    polled<exit_status, std::error_code> poll_wait(context& cx);

    /// Takes the object over.
    static void abandon(running*) noexcept;

    net::detail::source
        exited;   // the pidfd: readable when it has ended; none if somebody else has waited for the process before
    int pid = 0;  // 0 then
    bool is_abandoned = false;
    pollux::detail::future_cell<reap_future>* reaper;  // not started yet, or null
    running* next_orphan = nullptr;
};

/// Waits for those orphans that have ended.
void look_through_orphans() noexcept;

}  // namespace pollux::inline v0::process::detail

// SPDX-License-Identifier: MIT
// What a worker takes from a queue: a task to be polled, or a fork point whose next child is to be started. Queues link it
// and hand it on; only the worker that took it calls run().
#pragma once

#include "pollux/core/export.hpp"

namespace pollux::inline v0::detail {

struct execution;
struct task_header;

/// Something a worker can run. In at most one queue at a time, so one link is enough.
struct POLLUX_API runnable {
    /// Called by the worker that took it from a queue, which gives up whatever claim the queue had on it.
    virtual void run(execution&) noexcept = 0;

    /// The task that it belongs to.
    virtual task_header* owner() noexcept = 0;

    // While it stands in an intrusive list: whoever holds the list. Else free for the owner of the object.
    runnable* next;

protected:
    runnable() noexcept {}  // NOLINT: the link is written by whoever uses it
    runnable(const runnable&) = delete;
    runnable& operator=(const runnable&) = delete;
    ~runnable() = default;  // never deleted through this type
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// Calls a service of a runtime once after a while, from one of the runtime's workers: for what was refused, where nobody else comes
// to try it again. It stands in a worker's wheel, as a sleep does, so it needs no thread and cannot itself be refused anything.
//
// While the runtime ends it calls at once, or not at all: its owner is about to be closed. On a runtime without threads it calls while
// somebody drives that.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "pollux/core/waker.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/sleep_wheel.hpp"

namespace pollux::inline v0::detail {

class retry_timer {
public:
    /// `call(of)` is called with no lock held.
    retry_timer(runtime_core& core, void (*call)(void* of) noexcept, void* of) noexcept
        : core_(core), call_(call), of_(of) {}
    retry_timer(const retry_timer&) = delete;
    retry_timer& operator=(const retry_timer&) = delete;
    /// The runtime's threads have ended.
    ~retry_timer();

    /// Not again before it has called, and not under a lock that `call` takes. Threads: any that keeps the runtime.
    void arm(std::chrono::nanoseconds pause) noexcept;

private:
    static void wake(void* self) noexcept;
    static const waker_table table;

    runtime_core& core_;
    void (*const call_)(void*) noexcept;
    void* const of_;
    std::mutex lock_;  // it may call before who has armed it is out of arm()
    std::optional<sleep_entry> entry_;
};

}  // namespace pollux::inline v0::detail

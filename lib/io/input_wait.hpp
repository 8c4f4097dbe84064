// SPDX-License-Identifier: MIT
// Waiting on a blocking thread for input that may never come, so that the wait can be ended: by whoever waited when he leaves,
// and by the end of the runtime, which would have to wait for it otherwise. Called by descriptor_core.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <system_error>

#include "io/system_calls.hpp"
#include "scheduler/runtime_core.hpp"

namespace pollux::inline v0::io::detail {

/// Set once, for ever. Threads: any.
class stop_event {
public:
    /// Throws: std::system_error.
    stop_event();

    void set() noexcept;
    int descriptor() const noexcept { return event_.get(); }

private:
    owned_descriptor event_;
};

/// Until `fd` can be read, or has an error that reading tells. Errors: operation_canceled: one of the events was set.
std::error_code wait_for_input(int fd, const stop_event& a, const stop_event& b) noexcept;

/// The event that the end of this runtime sets. Throws: task_cancelled while the runtime is ending; std::system_error,
/// std::bad_alloc.
std::shared_ptr<stop_event> end_of_waits(pollux::detail::runtime_core& core);

}  // namespace pollux::inline v0::io::detail

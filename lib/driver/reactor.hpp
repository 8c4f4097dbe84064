// SPDX-License-Identifier: MIT
// The part of a runtime that knows when descriptors are ready: the set of them, as what its workers sleep in and as a service that
// ends with it. A runtime has one from the first time that something waits for a descriptor.
#pragma once

#include <chrono>
#include <cstddef>

#include "driver/ring_driver.hpp"
#include "driver/source_set.hpp"
#include "pollux/runtime/metrics.hpp"
#include "scheduler/event_driver.hpp"
#include "scheduler/runtime_core.hpp"

namespace pollux::inline v0::detail {

/// Threads: as runtime_service and event_driver say.
class reactor final : public runtime_service, public event_driver {
public:
    /// The runtime's. Threads: any. Throws: std::system_error, std::bad_alloc; task_cancelled if it is ending; no_runtime in a
    /// simulation.
    static reactor& of(runtime_core& core);

    /// Throws: std::system_error.
    explicit reactor(runtime_core& core);
    ~reactor() override {
        if (ring_ != nullptr) ring_->drop_owner();
        sources_.drop_owner();
    }

    source_set& sources() noexcept { return sources_; }
    /// Null: the runtime does without io_uring.
    ring_driver* ring() noexcept { return ring_; }

    // event_driver
    void wait(event_driver::time_point deadline) noexcept override {
        ring_ != nullptr ? ring_->wait(deadline) : sources_.wait(deadline);
    }
    bool hand_out() noexcept override { return ring_ != nullptr ? ring_->hand_out() : sources_.hand_out(); }
    void interrupt() noexcept override { ring_ != nullptr ? ring_->interrupt() : sources_.interrupt(); }
    void submit() noexcept override {
        if (ring_ != nullptr) ring_->submit();
    }

    // runtime_service
    std::size_t stop(std::chrono::steady_clock::time_point deadline) noexcept override;
    void add_to(runtime_metrics& sum) const noexcept override { sum.descriptors += ring_ != nullptr ? 3 : 2; }

private:
    source_set& sources_;
    ring_driver* ring_ = nullptr;
};

}  // namespace pollux::inline v0::detail

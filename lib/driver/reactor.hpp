// SPDX-License-Identifier: MIT
// The part of a runtime that knows when descriptors are ready: the set of them, as what its workers sleep in and as a service that
// ends with it. A runtime has one from the first time that something waits for a descriptor.
#pragma once

#include <chrono>
#include <cstddef>

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

    reactor() : sources_(source_set::make()) {}
    ~reactor() override { sources_.drop_owner(); }

    source_set& sources() noexcept { return sources_; }

    // event_driver
    void wait(event_driver::time_point deadline) noexcept override { sources_.wait(deadline); }
    bool hand_out() noexcept override { return sources_.hand_out(); }
    void interrupt() noexcept override { sources_.interrupt(); }

    // runtime_service
    std::size_t stop(std::chrono::steady_clock::time_point) noexcept override {
        sources_.close();
        return 0;
    }
    void add_to(runtime_metrics& sum) const noexcept override { sum.descriptors += 2; }

private:
    source_set& sources_;
};

}  // namespace pollux::inline v0::detail

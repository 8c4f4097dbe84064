// SPDX-License-Identifier: MIT
#include "driver/reactor.hpp"

#include <memory>

#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::detail {

reactor::reactor(runtime_core& core) : sources_(source_set::make(core.options().io == io_driver::uring)) {
    if (core.options().io != io_driver::uring) return;
    try {
        ring_ = &ring_driver::make(core, *this, sources_, {.rings = {.has_one_caller = core.worker_count() == 1}});
    } catch (...) {
        sources_.drop_owner();
        throw;
    }
}

std::size_t reactor::stop(std::chrono::steady_clock::time_point deadline) noexcept {
    sources_.close();
    return ring_ != nullptr ? ring_->close(deadline) : 0;
}

void start_driver(runtime_core& core) { static_cast<void>(reactor::of(core)); }

reactor& reactor::of(runtime_core& core) {
    if (core.is_simulated())
        throw no_runtime(
            "pollux: sockets: a sim_runtime has none, for the system would not repeat; use io::duplex in it");
    return static_cast<reactor&>(core.service(service_kind::reactor, [](runtime_core& owner) {
        auto made = std::make_unique<reactor>(owner);
        owner.serve(*made);
        return std::unique_ptr<runtime_service>(std::move(made));
    }));
}

}  // namespace pollux::inline v0::detail

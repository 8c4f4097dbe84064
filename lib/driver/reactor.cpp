// SPDX-License-Identifier: MIT
#include "driver/reactor.hpp"

#include <memory>

#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::detail {

reactor& reactor::of(runtime_core& core) {
    if (core.is_simulated())
        throw no_runtime(
            "pollux: sockets: a sim_runtime has none, for the system would not repeat; use io::duplex in it");
    return static_cast<reactor&>(core.service(service_kind::reactor, [](runtime_core& owner) {
        auto made = std::make_unique<reactor>();
        owner.serve(*made);
        return std::unique_ptr<runtime_service>(std::move(made));
    }));
}

}  // namespace pollux::inline v0::detail

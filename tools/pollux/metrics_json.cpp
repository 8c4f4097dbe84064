// SPDX-License-Identifier: MIT
// The names of what a runtime counts.

#include "metrics_json.hpp"

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <iterator>

namespace pollux_tool {

namespace {

struct named_number {
    const char* name;
    std::uint64_t pollux::runtime_metrics::* number;
};

using metrics = pollux::runtime_metrics;

constexpr std::array numbers = {
    named_number{"workers", &metrics::workers},
    named_number{"alive_tasks", &metrics::alive_tasks},
    named_number{"spawned", &metrics::spawned},
    named_number{"polls", &metrics::polls},
    named_number{"forks", &metrics::forks},
    named_number{"parks", &metrics::parks},
    named_number{"wakes", &metrics::wakes},
    named_number{"idle_wakes", &metrics::idle_wakes},
    named_number{"steals", &metrics::steals},
    named_number{"stolen_tasks", &metrics::stolen_tasks},
    named_number{"overflows", &metrics::overflows},
    named_number{"injected", &metrics::injected},
    named_number{"forced_yields", &metrics::forced_yields},
    named_number{"local_depth", &metrics::local_depth},
    named_number{"injection_depth", &metrics::injection_depth},
    named_number{"offload_queued", &metrics::offload_queued},
    named_number{"offload_running", &metrics::offload_running},
    named_number{"offload_slots", &metrics::offload_slots},
    named_number{"blocking_threads", &metrics::blocking_threads},
    named_number{"blocking_idle", &metrics::blocking_idle},
    named_number{"blocking_queued", &metrics::blocking_queued},
    named_number{"timers_armed", &metrics::timers_armed},
    named_number{"descriptors", &metrics::descriptors},
};
// So that a number that is added there is not forgotten here.
static_assert(sizeof(metrics) == numbers.size() * sizeof(std::uint64_t));

}  // namespace

std::string metrics_json(const pollux::runtime_metrics& of) {
    std::string out = "{";
    for (const auto& [name, number] : numbers) {
        if (out.size() > 1) out += ',';
        fmt::format_to(std::back_inserter(out), R"("{}":{})", name, of.*number);
    }
    out += '}';
    return out;
}

}  // namespace pollux_tool

// SPDX-License-Identifier: MIT
// Counted runs, see bench_counts.hpp.

#include "bench_counts.hpp"

#include "bench.hpp"
#include "bench_report.hpp"

#include <fmt/core.h>

#include <charconv>
#include <expected>
#include <filesystem>
#include <string_view>

namespace pollux_tool::bench {

namespace {

struct counter {
    const char* metric;
    const char* marker;               // on stderr, before the number
    std::vector<std::string> before;  // words in front of the program's
    std::vector<std::string> environment;
};

struct counted {
    double operations = 0;
    double events = 0;
};

std::expected<counted, std::string> count_once(const counter& with, const planned_run& run, std::size_t size,
                                               const std::string& metric, const interrupt_guard& guard) {
    auto command = with.before;
    for (auto& word : filled(run, 1, size)) command.push_back(std::move(word));
    const auto got = guard.run(command, with.environment);
    if (!got.is_success) return std::unexpected(fmt::format("{}: {}", got.ending, last_words(got.errors)));
    const auto parsed = parse_report(got.output, metric);
    if (!parsed) return std::unexpected(parsed.error());
    counted out{parsed->metrics.at("operations"), 0};
    const auto at = got.errors.rfind(with.marker);
    const auto* end = got.errors.data() + got.errors.size();
    const auto* begin = at == std::string::npos ? end : got.errors.data() + at + std::string_view(with.marker).size();
    if (std::from_chars(begin, end, out.events).ec != std::errc()) {
        return std::unexpected(fmt::format("no number behind `{}`: {}", with.marker, last_words(got.errors)));
    }
    return out;
}

std::expected<double, std::string> slope(const counter& with, const planned_run& run, const scenario& what,
                                         const interrupt_guard& guard) {
    const auto small = count_once(with, run, what.count_sizes[0], what.metric, guard);
    if (!small) return std::unexpected(small.error());
    const auto large = count_once(with, run, what.count_sizes[1], what.metric, guard);
    if (!large) return std::unexpected(large.error());
    if (large->operations <= small->operations) return std::unexpected("as many operations at both sizes");
    return (large->events - small->events) / (large->operations - small->operations);
}

}  // namespace

void look_for_counter(const interrupt_guard& guard) {
    if (guard.run({"valgrind", "--version"}).ending == ending_of_missing_program)
        throw input_error("--counts: valgrind, which counts instructions, is not installed; tools/bench installs it");
}

void count(const planned_scenario& planned, const bench_options& options, const interrupt_guard& guard,
           progress_report& progress, results& into) {
    const auto& what = planned.what;
    if (what.count_sizes.empty()) return;
    const auto library =
        std::filesystem::absolute(std::filesystem::path(options.programs) / allocation_library).string();
    const std::vector<counter> counters{
        {"instructions", "Collected : ", {"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"}, {}},
        {"allocations", "allocations ", {}, {"LD_PRELOAD=" + library}},
    };
    for (const auto& run : planned.runs) {
        if (run.workers != 1) continue;
        const auto* measured = find_series(into.scenarios.back(), run.program, 1);
        if (measured == nullptr) continue;  // it has failed
        for (const auto& with : counters) {
            progress.step(fmt::format("{}: counting {}: {}", what.name, with.metric, run.program));
            const auto events = slope(with, run, what, guard);
            if (events) {
                auto& all = into.scenarios.back().all;
                all[static_cast<std::size_t>(measured - all.data())].counts[with.metric] = *events;
                continue;
            }
            into.failures.push_back(
                fmt::format("{}: {}: counting {}: {}", what.name, run.program, with.metric, events.error()));
            progress.note(into.failures.back());
        }
    }
}

}  // namespace pollux_tool::bench

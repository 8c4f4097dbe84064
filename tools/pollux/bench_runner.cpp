// SPDX-License-Identifier: MIT
// The plan and the rounds, see bench_runner.hpp.

#include "bench_runner.hpp"

#include "bench_report.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <regex>
#include <utility>

namespace pollux_tool::bench {

namespace fs = std::filesystem;

namespace {

std::vector<std::size_t> workers_of(const scenario& what, const contender& program, const bench_options& options) {
    // A scenario for every number of workers runs with those asked for; one that has its own numbers keeps to them.
    auto out = what.workers;
    if (out.empty()) out = options.workers.empty() ? every_worker_count() : options.workers;
    const auto leave = [&out](const std::vector<std::size_t>& only) {
        std::erase_if(out, [&](std::size_t it) { return std::find(only.begin(), only.end(), it) == only.end(); });
    };
    if (!options.workers.empty()) leave(options.workers);
    if (!program.workers.empty()) leave(program.workers);
    return out;
}

std::size_t size_of(const scenario& what, const contender& program, const bench_options& options) {
    const auto size = program.size.value_or(what.size);
    return options.is_quick ? std::min(size, what.quick_size) : size;
}

planned_scenario plan_one(scenario what, const bench_options& options) {
    planned_scenario out;
    std::vector<contender> programs;
    for (const auto& program : what.programs) {
        const auto file = fs::path(options.programs) / program.command[0];
        if (::access(file.c_str(), X_OK) != 0 || !fs::is_regular_file(file)) {
            out.missing.push_back(fmt::format("{} ({})", program.name, program.command[0]));
            continue;
        }
        programs.push_back(program);
        programs.back().command[0] = fs::absolute(file).string();
        if (program.name != "pollux") continue;
        const auto with_all = programs.back();
        for (const auto& heuristic : what.without) {
            auto one = with_all;
            one.name += " without " + heuristic;
            one.command.insert(one.command.end(), {"--without", heuristic});
            programs.push_back(std::move(one));
        }
    }
    std::vector<std::size_t> counts;
    for (const auto& program : programs) {
        out.programs.push_back(program.name);
        for (const auto workers : workers_of(what, program, options)) counts.push_back(workers);
    }
    std::sort(counts.begin(), counts.end());
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    // Those with as many workers are neighbours: they are compared.
    for (const auto workers : counts) {
        for (const auto& program : programs) {
            const auto wanted = workers_of(what, program, options);
            if (std::find(wanted.begin(), wanted.end(), workers) == wanted.end()) continue;
            out.runs.push_back(
                {program.name, workers, size_of(what, program, options), program.command, program.package, {}});
        }
    }
    out.what = std::move(what);
    return out;
}

// One run: adds a round to `into` if that is not null. What is wrong, if something is.
std::optional<std::string> run_once(const planned_run& run, const std::string& metric, const interrupt_guard& guard,
                                    series* into) {
    const auto got = guard.run(filled(run, run.workers, run.size));
    if (!got.is_success) return fmt::format("{}: {}", got.ending, last_words(got.errors));
    auto parsed = parse_report(got.output, metric);
    if (!parsed) return parsed.error();
    if (into == nullptr) return std::nullopt;
    auto& metrics = parsed->metrics;
    const auto operations = metrics["operations"];
    metrics["cpu_ns_per_op"] = got.cpu_seconds * 1e9 / operations;
    metrics["wakeups_per_op"] = got.voluntary_switches / operations;
    metrics["peak_rss_mb"] = got.peak_rss_mb;
    for (const auto& [name, buckets] : parsed->histograms) {
        for (const auto& [lower, count] : buckets) into->histograms[name][lower] += count;
    }
    into->rounds.push_back(std::move(metrics));
    return std::nullopt;
}

class scenario_rounds {
public:
    scenario_rounds(const planned_scenario& planned, const bench_options& options, const interrupt_guard& guard,
                    progress_report& progress, results& all)
        : planned_(planned),
          options_(options),
          guard_(guard),
          progress_(progress),
          all_(all),
          out_(all.scenarios.back()),
          failed_(planned.runs.size()) {}

    void warm_up() {
        progress_.step(fmt::format("{}: warm-up", planned_.what.name));
        for (std::size_t i = 0; i != planned_.runs.size(); ++i) run(i, nullptr, "warm-up");
    }

    void round(std::size_t number) {
        const auto place = fmt::format("round {} of {}", number + 1, options_.rounds);
        progress_.step(fmt::format("{}: {}", planned_.what.name, place));
        // Kept apart until the round is whole, so that ratios always have both sides.
        std::vector<series> taken(planned_.runs.size());
        const auto start = std::chrono::steady_clock::now();
        const auto before = cpu_clock::now();
        for (std::size_t i = 0; i != taken.size(); ++i) {
            const auto at = (i + number) % taken.size();
            run(at, &taken[at], place);
        }
        const auto after = cpu_clock::now();
        const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
        const auto others = (after.machine - before.machine) - (after.ours - before.ours);
        out_.others_cpus.push_back(std::max(0.0, others / elapsed.count()));
        for (std::size_t i = 0; i != taken.size(); ++i) keep(i, std::move(taken[i]));
    }

private:
    void run(std::size_t at, series* into, const std::string& place) {
        const auto& run = planned_.runs[at];
        if (failed_[at]) return;
        progress_.detail(fmt::format("{}: {}: {}", planned_.what.name, place, name_of(run)));
        if (const auto problem = run_once(run, planned_.what.metric, guard_, into)) give_up(at, *problem);
    }

    // Half of its rounds would be compared with all of another's.
    void give_up(std::size_t at, const std::string& problem) {
        const auto& run = planned_.runs[at];
        failed_[at] = true;
        std::erase_if(out_.all,
                      [&](const series& it) { return it.program == run.program && it.workers == run.workers; });
        all_.failures.push_back(fmt::format("{}: {}: {}", planned_.what.name, name_of(run), problem));
        progress_.note(all_.failures.back());
    }

    void keep(std::size_t at, series taken) {
        if (failed_[at] || taken.rounds.empty()) return;
        const auto& run = planned_.runs[at];
        auto found = std::find_if(out_.all.begin(), out_.all.end(), [&](const series& it) {
            return it.program == run.program && it.workers == run.workers;
        });
        if (found == out_.all.end()) {
            out_.all.push_back({run.program, run.workers, run.size, run.version, {}, {}, {}});
            found = std::prev(out_.all.end());
        }
        const auto& before = found->rounds;
        if (!before.empty() &&
            !std::equal(before[0].begin(), before[0].end(), taken.rounds[0].begin(), taken.rounds[0].end(),
                        [](const auto& a, const auto& b) { return a.first == b.first; }))
            return give_up(at, "not the same metrics as in its first round");
        found->rounds.push_back(std::move(taken.rounds[0]));
        for (const auto& [name, buckets] : taken.histograms) {
            for (const auto& [lower, count] : buckets) found->histograms[name][lower] += count;
        }
    }

    const planned_scenario& planned_;
    const bench_options& options_;
    const interrupt_guard& guard_;
    progress_report& progress_;
    results& all_;
    scenario_results& out_;
    std::vector<bool> failed_;  // of planned_.runs
};

}  // namespace

std::vector<planned_scenario> plan(std::vector<scenario> all, const bench_options& options) {
    std::regex filter;
    try {
        filter = std::regex(options.filter);
    } catch (const std::regex_error& error) {
        throw input_error(fmt::format("`{}` is no regular expression: {}", options.filter, error.what()));
    }
    std::vector<planned_scenario> out;
    for (auto& it : all) {
        if (std::regex_search(it.name, filter)) out.push_back(plan_one(std::move(it), options));
    }
    if (out.empty())
        throw input_error(fmt::format("no scenario has `{}` in its name; see pollux bench --list", options.filter));
    return out;
}

std::vector<std::string> filled(const planned_run& run, std::size_t workers, std::size_t size) {
    auto out = run.command;
    for (auto& word : out) {
        if (word == "{workers}") word = fmt::format("{}", workers);
        if (word == "{size}") word = fmt::format("{}", size);
    }
    return out;
}

std::string name_of(const planned_run& run) { return fmt::format("{}, {}", run.program, with_workers(run.workers)); }

void measure(const planned_scenario& planned, const bench_options& options, const interrupt_guard& guard,
             progress_report& progress, results& into) {
    const auto& what = planned.what;
    into.scenarios.push_back({what.name, what.title, what.shows, what.metric, what.size, {}, what.bars, {}});
    scenario_rounds rounds(planned, options, guard, progress, into);
    rounds.warm_up();
    for (std::size_t i = 0; i != options.rounds; ++i) rounds.round(i);
}

}  // namespace pollux_tool::bench

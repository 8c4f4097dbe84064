// SPDX-License-Identifier: MIT
// The definitions of scenarios, read and checked; see bench_scenarios.hpp.

#include "bench_scenarios.hpp"

#include <fmt/core.h>

#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

namespace pollux_tool::bench {

namespace fs = std::filesystem;

namespace {

bool holds(const std::vector<std::size_t>& list, std::size_t it) {
    return std::find(list.begin(), list.end(), it) != list.end();
}

contender parse_contender(const json_place& at) {
    at.allow_only({"name", "command", "version", "workers", "size"});
    contender out;
    out.name = at["name"].text();
    const auto here = at.named(out.name);
    out.command = here["command"].texts();
    if (out.command.empty()) here["command"].fail("empty: its first word is the program");
    for (const auto& word : out.command) {
        const auto open = word.find('{');
        if (open != std::string::npos && word != "{workers}" && word != "{size}") {
            here["command"].fail(fmt::format("`{}`: only {{workers}} and {{size}} are filled in", word));
        }
    }
    if (const auto version = here.find("version")) out.package = version->text();
    if (const auto workers = here.find("workers")) out.workers = workers->counts();
    if (const auto size = here.find("size")) out.size = size->count();
    return out;
}

bar parse_bar(const json_place& at, const std::vector<contender>& programs) {
    at.allow_only({"metric", "at_most", "to", "to_workers", "workers", "reason"});
    bar out;
    out.metric = at["metric"].text();
    out.at_most = at["at_most"].number();
    if (const auto to = at.find("to")) {
        out.to = to->text();
        const auto is_it = [&](const contender& it) { return it.name == out.to; };
        if (std::none_of(programs.begin(), programs.end(), is_it)) {
            to->fail(fmt::format("`{}` is none of this scenario's programs", out.to));
        }
    }
    if (const auto workers = at.find("to_workers")) {
        if (!out.to.empty()) workers->fail("there is a `to` as well: a ratio has one base");
        out.to_workers = workers->count();
    }
    if (const auto workers = at.find("workers")) {
        out.workers = workers->is_list() ? workers->counts() : std::vector{workers->count()};
    }
    if (const auto reason = at.find("reason")) out.reason = reason->text();
    return out;
}

scenario parse_scenario(const json_place& at) {
    at.allow_only({"name", "title", "shows", "size", "quick_size", "count_sizes", "workers", "metric", "programs",
                   "without", "bars"});
    scenario out;
    out.name = at["name"].text();
    const auto here = at.named(out.name);
    out.title = here["title"].text();
    out.shows = here["shows"].text();
    out.size = here["size"].count();
    const auto quick = here.find("quick_size");
    out.quick_size = quick ? quick->count() : out.size;
    if (const auto sizes = here.find("count_sizes")) {
        out.count_sizes = sizes->counts();
        if (out.count_sizes.size() != 2 || out.count_sizes[0] >= out.count_sizes[1]) {
            sizes->fail("not two sizes, the smaller first");
        }
    }
    if (const auto workers = here.find("workers"); workers && !(workers->is_text() && workers->text() == "all")) {
        if (!workers->is_list()) workers->fail("neither \"all\" nor a list of numbers");
        out.workers = workers->counts();
        if (out.workers.empty()) workers->fail("an empty list");
    }
    out.metric = here["metric"].text();
    for (const auto& program : here["programs"].list()) {
        out.programs.push_back(parse_contender(program));
        const auto& name = out.programs.back().name;
        const auto is_it = [&](const contender& it) { return it.name == name; };
        if (std::count_if(out.programs.begin(), out.programs.end(), is_it) > 1)
            program.fail(fmt::format("a second `{}`", name));
    }
    if (out.programs.empty()) here["programs"].fail("an empty list");
    if (const auto without = here.find("without")) out.without = without->texts();
    if (const auto bars = here.find("bars")) {
        for (const auto& it : bars->list()) out.bars.push_back(parse_bar(it, out.programs));
    }
    return out;
}

}  // namespace

bool is_ours(const std::string& program) { return program.starts_with("pollux"); }

std::vector<scenario> parse_scenarios(const boost::json::value& all, const std::string& file) {
    std::vector<scenario> out;
    const json_place root(all, file);
    if (!root.is_list()) root.fail("not a list of scenarios");
    std::size_t number = 0;
    for (const auto& it : all.get_array())
        out.push_back(parse_scenario({it, fmt::format("{}: scenario {}", file, ++number)}));
    return out;
}

std::vector<scenario> load_scenarios(const std::string& folder) {
    const auto definitions = fs::path(folder) / "scenarios";
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator it(definitions, error), end; !error && it != end; it.increment(error)) {
        if (it->path().extension() == ".json") files.push_back(it->path());
    }
    if (error) {
        throw input_error(fmt::format("{}: {}; build the programs with tools/bench, or name their folder by --programs",
                                      definitions.string(), error.message()));
    }
    std::sort(files.begin(), files.end());
    std::vector<scenario> out;
    std::map<std::string, std::string> file_of;
    for (const auto& file : files) {
        for (auto& it : parse_scenarios(read_json(file), file)) {
            const auto [first, is_new] = file_of.emplace(it.name, file);
            if (!is_new) {
                throw input_error(fmt::format("{}: a second scenario `{}`; the first stands in {}", file.string(),
                                              it.name, first->second));
            }
            out.push_back(std::move(it));
        }
    }
    if (out.empty()) {
        throw input_error(
            fmt::format("{}: no scenarios; build the programs with tools/bench, or name their folder by --programs",
                        definitions.string()));
    }
    return out;
}

std::vector<std::size_t> every_worker_count() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    const auto cpus = static_cast<std::size_t>(std::max(1, CPU_COUNT(&allowed)));
    std::vector<std::size_t> out;
    for (std::size_t workers = 1; workers < cpus; workers *= 2) out.push_back(workers);
    if (!holds(out, cpus)) out.push_back(cpus);
    return out;
}

}  // namespace pollux_tool::bench

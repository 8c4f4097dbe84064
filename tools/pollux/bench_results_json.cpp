// SPDX-License-Identifier: MIT
// Results to JSON and back, see bench_results_json.hpp.

#include "bench_results_json.hpp"

#include <fmt/core.h>

#include <utility>

namespace pollux_tool::bench {

namespace json = boost::json;

namespace {

// Of the layout. A reader that knows another one refuses the file rather than to compare wrongly.
constexpr std::size_t format = 1;

json::object object_of(const metric_values& values) {
    json::object out;
    for (const auto& [name, value] : values) out[name] = value;
    return out;
}

// metric -> its values, one a round: shorter than the other way round, and what plots want.
json::object samples_of(const series& of) {
    std::map<std::string, json::array> columns;
    for (const auto& round : of.rounds) {
        for (const auto& [metric, value] : round) columns[metric].emplace_back(value);
    }
    json::object out;
    for (auto& [metric, values] : columns) out[metric] = std::move(values);
    return out;
}

json::object histograms_of(const series& of) {
    json::object out;
    for (const auto& [name, buckets] : of.histograms) {
        json::array pairs;
        for (const auto& [lower, count] : buckets) pairs.push_back(json::array{lower, count});
        out[name] = std::move(pairs);
    }
    return out;
}

json::object series_json(const series& of, const scenario_results& in) {
    json::object out{{"program", of.program}, {"workers", of.workers}, {"size", of.size}};
    if (!of.version.empty()) out["version"] = of.version;
    if (const auto values = values_of(of, in.metric); !values.empty()) {
        const auto all = spread_of(values);
        out["median"] = all.median;
        out["mad"] = all.deviation;
        json::object ratios;
        for (const auto& peer : in.all) {
            if (peer.workers != of.workers || is_ours(peer.program) || &peer == &of) continue;
            if (const auto ratio = ratio_of(of, peer, in.metric)) ratios[peer.program] = ratio->median;
        }
        if (!ratios.empty()) out["ratio_to"] = std::move(ratios);
    }
    if (!of.counts.empty()) out["counts"] = object_of(of.counts);
    if (!of.histograms.empty()) out["histograms"] = histograms_of(of);
    out["samples"] = samples_of(of);
    return out;
}

json::array bars_json(const scenario_results& of, bool is_quick) {
    json::array out;
    for (const auto& it : outcomes(of, is_quick)) {
        json::object one{{"bar", it.what}, {"at_most", it.at_most}};
        if (it.measured) {
            one["measured"] = *it.measured;
            one["is_met"] = it.is_met();
        }
        if (!it.reason.empty()) one["reason"] = it.reason;
        out.push_back(std::move(one));
    }
    return out;
}

json::array numbers_json(const std::vector<double>& numbers) { return json::array(numbers.begin(), numbers.end()); }

series parse_series(const json_place& at) {
    series out;
    out.program = at["program"].text();
    out.workers = at["workers"].count();
    out.size = at["size"].count();
    if (const auto version = at.find("version")) out.version = version->text();
    if (const auto counts = at.find("counts")) {
        for (const auto& [metric, value] : counts->members()) out.counts[metric] = value.number();
    }
    for (const auto& [metric, values] : at["samples"].members()) {
        const auto numbers = values.numbers();
        if (out.rounds.empty()) out.rounds.resize(numbers.size());
        if (numbers.size() != out.rounds.size()) values.fail("another number of rounds than before");
        for (std::size_t i = 0; i != numbers.size(); ++i) out.rounds[i][metric] = numbers[i];
    }
    return out;
}

}  // namespace

json::value to_json(const results& of) {
    json::object out{{"format", format},
                     {"date", of.date},
                     {"rounds", of.rounds},
                     {"is_quick", of.is_quick},
                     {"is_interrupted", of.is_interrupted}};
    json::array machine;
    for (const auto& [name, value] : of.machine) machine.push_back(json::array{name, value});
    out["machine"] = std::move(machine);
    json::array scenarios;
    for (const auto& it : of.scenarios) {
        json::array all;
        for (const auto& one : it.all) all.push_back(series_json(one, it));
        scenarios.push_back(json::object{{"name", it.name},
                                         {"title", it.title},
                                         {"shows", it.shows},
                                         {"metric", it.metric},
                                         {"size", it.size},
                                         {"others_cpus", numbers_json(it.others_cpus)},
                                         {"bars", bars_json(it, of.is_quick)},
                                         {"series", std::move(all)}});
    }
    out["scenarios"] = std::move(scenarios);
    json::array failures;
    for (const auto& it : of.failures) failures.emplace_back(it);
    out["failures"] = std::move(failures);
    return out;
}

results from_json(const json::value& value, const std::string& file) {
    const json_place at(value, file);
    if (const auto found = at["format"]; found.count() != format) {
        found.fail(fmt::format("this is not {}, which this version of pollux reads and writes", format));
    }
    results out;
    out.date = at["date"].text();
    out.rounds = at["rounds"].count();
    out.is_quick = at["is_quick"].flag();
    for (const auto& it : at["machine"].list()) {
        const auto words = it.texts();
        if (words.size() != 2) it.fail("not a name and a value");
        out.machine.emplace_back(words[0], words[1]);
    }
    for (const auto& it : at["scenarios"].list()) {
        scenario_results one;
        one.name = it["name"].text();
        one.metric = it["metric"].text();
        for (const auto& of : it["series"].list()) one.all.push_back(parse_series(of));
        out.scenarios.push_back(std::move(one));
    }
    return out;
}

}  // namespace pollux_tool::bench

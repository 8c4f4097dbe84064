// SPDX-License-Identifier: MIT
// What counts as a regression, where black-box runs cannot bring it about: other versions, other compilers, counts.

#include "bench_baseline.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using namespace pollux_tool::bench;

namespace {

series series_of(const std::string& program, std::vector<double> values) {
    series out;
    out.program = program;
    out.workers = 1;
    out.size = 100;
    for (const double value : values) out.rounds.push_back({{"ns_per_op", value}});
    return out;
}

results results_of(std::vector<series> all) {
    results out;
    out.machine = {{"built by", "a compiler"}};
    out.scenarios.emplace_back();
    out.scenarios[0].name = "work";
    out.scenarios[0].metric = "ns_per_op";
    out.scenarios[0].all = std::move(all);
    return out;
}

series& ours(results& of) { return of.scenarios[0].all[0]; }

}  // namespace

TEST_SUITE("tools/bench_baseline") {
    TEST_CASE("compare: the ratio to the best peer that ran in both is what counts") {
        const auto before = results_of({series_of("pollux", {10}), series_of("a", {20}), series_of("b", {40})});
        const auto after =
            results_of({series_of("pollux", {10}), series_of("new", {1}), series_of("a", {50}), series_of("b", {40})});
        const auto all = compare(before, after);
        REQUIRE(all.size() == 1);
        CHECK(all[0].what == "work: pollux, 1 worker: ns_per_op to b");
        CHECK(all[0].before == 0.25);
        CHECK(all[0].after == 0.25);
        CHECK_FALSE(all[0].is_worse());
    }

    TEST_CASE("compare: a peer of another version or size is another peer") {
        const auto before = results_of({series_of("pollux", {10}), series_of("peer", {20})});
        auto after = results_of({series_of("pollux", {20}), series_of("peer", {40})});
        CHECK_FALSE(compare(before, after)[0].is_worse());
        after.scenarios[0].all[1].version = "peer 2";
        REQUIRE(compare(before, after).size() == 1);
        CHECK(compare(before, after)[0].what == "work: pollux, 1 worker: ns_per_op");
        CHECK(compare(before, after)[0].is_worse());
        after.scenarios[0].all[1].version.clear();
        after.scenarios[0].all[1].size = 50;
        CHECK(compare(before, after)[0].is_worse());
    }

    TEST_CASE("compare: up to the floor nothing is worse, beyond it everything") {
        const auto before = results_of({series_of("pollux", {100, 100, 100})});
        CHECK_FALSE(compare(before, results_of({series_of("pollux", {105, 105, 105})}))[0].is_worse());
        CHECK(compare(before, results_of({series_of("pollux", {105.1, 105.1, 105.1})}))[0].is_worse());
        CHECK(compare(before, results_of({series_of("pollux", {94, 94, 94})}))[0].is_better());
    }

    TEST_CASE("compare: what was zero and is not any more is worse") {
        const auto before = results_of({series_of("pollux", {0, 0, 0})});
        CHECK_FALSE(compare(before, before)[0].is_worse());
        CHECK_FALSE(compare(before, results_of({series_of("pollux", {0, 0, 1})}))[0].is_worse());
        CHECK(compare(before, results_of({series_of("pollux", {1, 1, 1})}))[0].is_worse());
    }

    TEST_CASE("compare: another size, metric, name or number of workers is not compared") {
        const auto before = results_of({series_of("pollux", {10})});
        auto after = before;
        ours(after).size = 50;
        CHECK(compare(before, after).empty());
        after = before;
        ours(after).workers = 2;
        CHECK(compare(before, after).empty());
        after = before;
        after.scenarios[0].name = "other";
        CHECK(compare(before, after).empty());
        after = before;
        after.scenarios[0].metric = "ms";
        CHECK(compare(before, after).empty());
    }

    TEST_CASE("not_compared: what only one run has, and what has nothing in common") {
        const auto before = results_of({series_of("pollux", {10})});
        CHECK(not_compared(before, before).empty());
        auto after = before;
        after.scenarios[0].name = "other";
        CHECK(not_compared(before, after) == std::vector<std::string>{"other (not in the baseline)", "work (not run)"});
        after = before;
        ours(after).size = 50;
        CHECK(not_compared(before, after) ==
              std::vector<std::string>{"work (nothing of pollux with the same size, metric and workers)"});
    }

    TEST_CASE("compare: counts are held to one percent, with the same compiler only") {
        auto before = results_of({series_of("pollux", {10})});
        ours(before).counts = {{"instructions", 100}, {"allocations", 0}};
        auto after = before;
        ours(after).counts = {{"instructions", 101}, {"allocations", 0.004}};
        const auto all = compare(before, after);
        REQUIRE(all.size() == 3);
        for (const auto& it : all) {
            CAPTURE(it.what);
            CHECK_FALSE(it.is_worse());
        }
        ours(after).counts = {{"instructions", 102}, {"allocations", 1}};
        std::size_t worse = 0;
        for (const auto& it : compare(before, after)) {
            if (it.is_worse()) ++worse;
        }
        CHECK(worse == 2);
        after.machine[0].second = "another compiler";
        CHECK(compare(before, after).size() == 1);
    }
}

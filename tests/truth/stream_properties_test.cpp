// SPDX-License-Identifier: MIT
// Each adapter of streams that calls something for an item gives what the same calls for the items of a vector give, wherever the source
// or a future is pending, whatever the budget of a poll is, and with errors in between, which pass.
#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <utility>

#include "pollux/future.hpp"
#include "pollux/stream.hpp"
#include "truth/properties.hpp"
#include "truth/stream_models.hpp"

using namespace pollux::test;  // NOLINT: all of it is the language of these tests

TEST_SUITE("truth/stream properties") {
    TEST_CASE("adapters with a function give what it gives for each item") {
        check(
            "map", [](driver&, auto in) { return pollux::map(std::move(in), times_three); },
            [](const answers<int>& all) {
                return each_value(all, [](int i, auto& out) { return out.emplace_back(times_three(i)), true; });
            });
        check(
            "map_err",
            [](driver&, auto in) { return pollux::map_err(std::move(in), [](fault f) { return fault{f.code + 1}; }); },
            [](answers<int> all) {
                for (answer& each : all)
                    if (!each.has_value()) ++each.error().code;
                return all;
            });
        check(
            "from_err", [](driver&, auto in) { return pollux::from_err<fault>(std::move(in)); },
            [](const answers<int>& all) { return all; });
        check(
            "filter", [](driver&, auto in) { return pollux::filter(std::move(in), is_even); },
            [](const answers<int>& all) {
                return each_value(all, [](int i, auto& out) {
                    if (is_even(i)) out.emplace_back(i);
                    return true;
                });
            });
        check(
            "filter_map", [](driver&, auto in) { return pollux::filter_map(std::move(in), half_of_even); },
            [](const answers<int>& all) {
                return each_value(all, [](int i, auto& out) {
                    if (is_even(i)) out.emplace_back(i / 2);
                    return true;
                });
            });
        check(
            "take_while", [](driver&, auto in) { return pollux::take_while(std::move(in), is_small); },
            [](const answers<int>& all) {
                return each_value(all, [](int i, auto& out) {
                    if (is_small(i)) out.emplace_back(i);
                    return is_small(i);
                });
            });
        check(
            "skip_while", [](driver&, auto in) { return pollux::skip_while(std::move(in), is_small); },
            [](const answers<int>& all) {
                return each_value(all, [skips = true](int i, auto& out) mutable {
                    skips = skips && is_small(i);
                    if (!skips) out.emplace_back(i);
                    return true;
                });
            });
        check(
            "scan",
            [](driver&, auto in) {
                return pollux::scan(std::move(in), 0, [](int& sum, int i) -> std::optional<int> {
                    sum += i;
                    if (sum > 300) return std::nullopt;
                    return sum;
                });
            },
            [](const answers<int>& all) {
                return each_value(all, [sum = 0](int i, auto& out) mutable {
                    sum += i;
                    if (sum <= 300) out.emplace_back(sum);
                    return sum <= 300;
                });
            });
        check_property("inspect, inspect_err", [](const inputs& in) {
            driver d(in.units);
            answers<int> seen;
            auto source = pollux::inspect(noisy_stream(d.at(), in.first), [&](int i) { seen.emplace_back(i); });
            auto looked_at =
                pollux::inspect_err(std::move(source), [&](const fault& f) { seen.emplace_back(std::unexpect, f); });
            same(d.drain(std::move(looked_at)), plain(in.first));
            same(seen, plain(in.first));
        });
        check(
            "enumerate", [](driver&, auto in) { return pollux::enumerate(std::move(in)); },
            [](const answers<int>& all) {
                return each_value<std::pair<std::size_t, int>>(all, [n = std::size_t{0}](int i, auto& out) mutable {
                    out.emplace_back(std::in_place, n++, i);
                    return true;
                });
            });
    }

    TEST_CASE("adapters with a future give what it gives for each item, in order") {
        const auto one_by_one = [](const answers<int>& all) {
            return each_value(all, [](int i, auto& out) { return out.push_back(later(i)), true; });
        };
        check("and_then", [](driver& d, auto in) { return pollux::and_then(std::move(in), future_of(d)); }, one_by_one);
        check(
            "or_else",
            [](driver& d, auto in) {
                return pollux::or_else(std::move(in), [of = future_of(d)](fault f) { return of(f.code); });
            },
            [](const answers<int>& all) {
                answers<int> out;
                for (const answer& each : all) out.push_back(each.has_value() ? each : later(each.error().code));
                return out;
            });
        check(
            "then",
            [](driver& d, auto in) {
                return pollux::then(std::move(in), [of = future_of(d)](answer each) {
                    return of(each.has_value() ? *each : each.error().code + 1);
                });
            },
            [](const answers<int>& all) {
                answers<int> out;
                for (const answer& each : all) out.push_back(later(each.has_value() ? *each : each.error().code + 1));
                return out;
            });
        check(
            "filter, later", [](driver& d, auto in) { return pollux::filter(std::move(in), judge(d, is_even)); },
            [](const answers<int>& all) {
                return each_value(all, [](int i, auto& out) {
                    const auto verdict = judged(is_even, i);
                    if (!verdict.has_value())
                        out.emplace_back(std::unexpect, verdict.error());
                    else if (*verdict)
                        out.emplace_back(i);
                    return true;
                });
            });
        check(
            "take_while, later",
            [](driver& d, auto in) { return pollux::take_while(std::move(in), judge(d, is_small)); },
            [](const answers<int>& all) {
                return each_value(all, [](int i, auto& out) {
                    const auto verdict = judged(is_small, i);
                    if (!verdict.has_value())
                        out.emplace_back(std::unexpect, verdict.error());
                    else if (*verdict)
                        out.emplace_back(i);
                    return !verdict.has_value() || *verdict;
                });
            });
        check(
            "skip_while, later",
            [](driver& d, auto in) { return pollux::skip_while(std::move(in), judge(d, is_small)); },
            [](const answers<int>& all) {
                return each_value(all, [skips = true](int i, auto& out) mutable {
                    const auto verdict = judged(is_small, i);
                    if (skips && !verdict.has_value()) return out.emplace_back(std::unexpect, verdict.error()), true;
                    skips = skips && *verdict;
                    if (!skips) out.emplace_back(i);
                    return true;
                });
            });
        check(
            "filter_map, later",
            [](driver& d, auto in) {
                return pollux::filter_map(std::move(in),
                                          [of = future_of(d)](int i) { return pollux::map(of(i), half_of_even); });
            },
            [](const answers<int>& all) {
                return each_value(all, [](int i, auto& out) {
                    const answer made = later(i);
                    if (!made.has_value() || is_even(*made)) out.push_back(mapped(made, [](int m) { return m / 2; }));
                    return true;
                });
            });
        check(
            "scan, later",
            [](driver& d, auto in) {
                return pollux::scan(std::move(in), 0, [of = future_of(d)](int& sum, int i) {
                    sum += i;
                    return pollux::map(
                        of(i), [&sum](int made) { return sum > 300 ? std::nullopt : std::optional(sum + made); });
                });
            },
            [](const answers<int>& all) {
                return each_value(all, [sum = 0](int i, auto& out) mutable {
                    sum += i;
                    const answer made = later(i);
                    if (!made.has_value() || sum <= 300) out.push_back(mapped(made, [sum](int m) { return sum + m; }));
                    return !made.has_value() || sum <= 300;
                });
            });
    }
}

// SPDX-License-Identifier: MIT
// What reads a stream to its end, against loops over vectors, and pipelines of adapters that are chosen at random.
#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <utility>
#include <vector>

#include "pollux/future.hpp"
#include "pollux/stream.hpp"
#include "truth/properties.hpp"
#include "truth/stream_models.hpp"

using namespace pollux::test;  // NOLINT: all of it is the language of these tests

TEST_SUITE("truth/stream properties") {
    TEST_CASE("what reads a stream to its end stops at the first error") {
        check_consumer("collect", [](driver&, auto in) { return pollux::collect(std::move(in)); }, gathered);
        check_consumer(
            "count", [](driver&, auto in) { return pollux::count(std::move(in)); },
            [](const answers<int>& all) { return mapped(gathered(all), [](const auto& v) { return v.size(); }); });
        check_consumer(
            "concat",
            [](driver&, auto in) {
                return pollux::concat(pollux::map(
                    std::move(in), [](int i) { return std::vector<int>(static_cast<std::size_t>(i % 3), i); }));
            },
            [](const answers<int>& all) {
                return folded(all, std::vector<int>(), [](auto& out, int i) {
                    out.insert(out.end(), static_cast<std::size_t>(i % 3), i);
                    return std::optional<fault>();
                });
            });
        check_consumer(
            "fold",
            [](driver&, auto in) {
                return pollux::fold(std::move(in), 7, [](int sum, int i) { return 2 * sum % 1000 + i; });
            },
            [](const answers<int>& all) {
                return folded(all, 7, [](int& sum, int i) {
                    sum = 2 * sum % 1000 + i;
                    return std::optional<fault>();
                });
            });
        check_consumer(
            "fold, later",
            [](driver& d, auto in) {
                return pollux::fold(std::move(in), 0, [of = future_of(d)](int sum, int i) {
                    return pollux::map(of(i), [sum](int made) { return sum + made; });
                });
            },
            [](const answers<int>& all) {
                return folded(all, 0, [](int& sum, int i) -> std::optional<fault> {
                    const answer made = later(i);
                    if (!made.has_value()) return made.error();
                    sum += *made;
                    return std::nullopt;
                });
            });
        check_property("for_each", [](const inputs& in) {
            driver d(in.units);
            std::vector<int> seen;
            const auto each = [&](int i) {
                seen.push_back(i);
                return pollux::map(noisy_future<int>(d.at(), i % 4, i), [](int) {});
            };
            const auto done = d.finish(pollux::for_each(noisy_stream(d.at(), in.first), each));
            const auto expected = gathered(plain(in.first));
            if (done.has_value())
                same(seen, *expected);
            else
                same(done.error(), expected.error());
        });
        const auto any_is_large = [](const answers<int>& all) -> std::expected<bool, fault> {
            for (const answer& each : all) {
                if (!each.has_value()) return std::unexpected(each.error());
                if (!is_small(*each)) return true;
            }
            return false;
        };
        check_consumer(
            "any", [](driver&, auto in) { return pollux::any(std::move(in), [](int i) { return !is_small(i); }); },
            any_is_large);
        check_consumer(
            "all", [](driver&, auto in) { return pollux::all(std::move(in), is_small); },
            [=](const answers<int>& all) { return mapped(any_is_large(all), [](bool found) { return !found; }); });
        check_property("next, select_next_some", [](const inputs& in) {
            driver d(in.units);
            noisy_stream source(d.at(), in.first);
            answers<int> all;
            for (const answer& expected : plain(in.first)) {
                if (all.size() % 2 == 0) {
                    auto some = pollux::select_next_some(source);
                    all.push_back(d.until_ready([&](pollux::context& cx) { return some.poll(cx); }).take());
                } else {
                    auto next = pollux::next(source);
                    all.push_back(d.until_ready([&](pollux::context& cx) { return next.poll(cx); }).take().value());
                }
                same(all.back(), expected);
            }
            auto last = pollux::next(source);
            if (d.until_ready([&](pollux::context& cx) { return last.poll(cx); }).take().has_value())
                throw mismatch("an item behind the last");
        });
    }

    TEST_CASE("any pipeline of adapters gives what the same operations on a vector give") {
        check_property("pipeline", [](const inputs& in) {
            // Each `buffered` takes a unit before it asks its source: with fewer units than there are adapters the first one
            // would never be asked.
            constexpr int adapters = 6;
            driver d(in.units == 0 ? 0 : in.units + adapters);
            using boxed = pollux::boxed_stream<int, fault>;
            boxed source(noisy_stream(d.at(), in.first));
            answers<int> expected = plain(in.first);
            // The second script says which.
            int left = adapters;
            for (const step& each : in.second) {
                if (left-- == 0) break;
                const auto n = static_cast<std::size_t>(each.number % 11);
                const auto of_values = [&expected](auto by) { expected = each_value(expected, by); };
                switch (each.number % 7) {
                    case 0:
                        source = pollux::map(std::move(source), times_three);
                        of_values([](int i, auto& out) { return out.emplace_back(times_three(i)), true; });
                        break;
                    case 1:
                        source = pollux::filter(std::move(source), judge(d, is_even));
                        of_values([](int i, auto& out) {
                            if (i % 7 == 3)
                                out.emplace_back(std::unexpect, i + 100);
                            else if (is_even(i))
                                out.emplace_back(i);
                            return true;
                        });
                        break;
                    case 2:
                        source = pollux::and_then(std::move(source), future_of(d));
                        of_values([](int i, auto& out) { return out.push_back(later(i)), true; });
                        break;
                    case 3:
                        source = pollux::skip(std::move(source), n);
                        of_values([skipped = n](int i, auto& out) mutable {
                            if (skipped == 0)
                                out.emplace_back(i);
                            else
                                --skipped;
                            return true;
                        });
                        break;
                    case 4:
                        source = pollux::flat_map(pollux::chunks(std::move(source), n + 1), [](std::vector<int> chunk) {
                            return pollux::iter(std::move(chunk));
                        });
                        break;
                    case 5:
                        source = pollux::buffered(
                            pollux::map(std::move(source), [](int i) { return pollux::ready(i + 1); }), 1);
                        of_values([](int i, auto& out) { return out.emplace_back(i + 1), true; });
                        break;
                    case 6:
                        source = pollux::chain(std::move(source), noisy_stream(d.at(), few(each.number)));
                        expected = joined(expected, plain(few(each.number)));
                        break;
                }
            }
            same(d.drain(std::move(source)), expected);
        });
    }
}

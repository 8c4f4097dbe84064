// SPDX-License-Identifier: MIT
// Adapters of several streams, of streams of streams and of futures in flight, and those that count, against the same operations on
// vectors.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pollux/future.hpp"
#include "pollux/stream.hpp"
#include "truth/properties.hpp"
#include "truth/stream_models.hpp"

using namespace pollux::test;  // NOLINT: all of it is the language of these tests

namespace {

// Of the source, or of a future of one of its items.
bool is_of_future(const answer& each) { return !each.has_value() && each.error().code >= 100; }
answers<int> without_errors_of_source(answers<int> all) {
    std::erase_if(all, [](const answer& each) { return !each.has_value() && !is_of_future(each); });
    return all;
}
answers<int> errors_of_source(answers<int> all) {
    std::erase_if(all, [](const answer& each) { return each.has_value() || is_of_future(each); });
    return all;
}
answers<int> errors(answers<int> all) {
    std::erase_if(all, [](const answer& each) { return each.has_value(); });
    return all;
}
answers<int> first_of(answers<int> all, std::size_t n) {
    all.resize(std::min(n, all.size()));
    return all;
}
answers<int> in_order(const answers<int>& all) {
    return each_value(all, [](int i, auto& out) { return out.push_back(later(i)), true; });
}

}  // namespace

TEST_SUITE("truth/stream properties") {
    TEST_CASE("adapters that count") {
        check_counted(
            "take", [](auto in, std::size_t n) { return pollux::take(std::move(in), n - 1); },
            [](const answers<int>& all, std::size_t n) {
                answers<int> out;
                for (std::size_t at = 0, left = n - 1; at != all.size() && left != 0; ++at) {
                    if (all[at].has_value()) --left;
                    out.push_back(all[at]);
                }
                return out;
            });
        check_counted(
            "skip", [](auto in, std::size_t n) { return pollux::skip(std::move(in), n - 1); },
            [](const answers<int>& all, std::size_t n) {
                return each_value(all, [left = n - 1](int i, auto& out) mutable {
                    if (left == 0)
                        out.emplace_back(i);
                    else
                        --left;
                    return true;
                });
            });
        check_counted(
            "chunks", [](auto in, std::size_t n) { return pollux::chunks(std::move(in), n); },
            [](const answers<int>& all, std::size_t n) {
                answers<std::vector<int>> out;
                std::vector<int> chunk;
                const auto hand_out = [&] {
                    if (!chunk.empty()) out.emplace_back(std::exchange(chunk, {}));
                };
                for (const answer& each : all) {
                    if (each.has_value()) chunk.push_back(*each);
                    if (!each.has_value() || chunk.size() == n) hand_out();
                    if (!each.has_value()) out.emplace_back(std::unexpect, each.error());
                }
                hand_out();
                return out;
            });
        check_property("ready_chunks", [](const inputs& in) {
            driver d(in.units);
            const auto n = static_cast<std::size_t>(in.n);
            answers<int> all;
            for (const auto& chunk : d.drain(pollux::ready_chunks(noisy_stream(d.at(), in.first), n))) {
                if (!chunk.has_value()) {
                    all.emplace_back(std::unexpect, chunk.error());
                } else {
                    if (chunk->empty() || chunk->size() > n) throw mismatch("a chunk of " + shown(chunk->size()));
                    for (const int i : *chunk) all.emplace_back(i);
                }
            }
            same(all, plain(in.first));
        });
    }

    TEST_CASE("adapters that change nothing") {
        const auto as_it_is = [](const answers<int>& all) { return all; };
        check("fuse", [](driver&, auto in) { return pollux::fuse(std::move(in)); }, as_it_is);
        check("boxed", [](driver&, auto in) { return pollux::boxed(std::move(in)); }, as_it_is);
        check("peekable", [](driver&, auto in) { return pollux::peekable(std::move(in)); }, as_it_is);
        check(
            "flatten_stream",
            [](driver& d, auto in) {
                // The stream is moved before it is polled only, so it may wait in the closure.
                return pollux::flatten_stream(
                    pollux::map(noisy_future<int>(d.at(), 3, 1),
                                [source = std::move(in)](int) mutable { return std::move(source); }));
            },
            as_it_is);
        check_property("peek shows what comes next", [](const inputs& in) {
            driver d(in.units);
            auto source = pollux::peekable(noisy_stream(d.at(), in.first));
            answers<int> all;
            for (std::size_t looks = 0;; ++looks) {
                std::optional<answer> seen;
                // Sometimes twice, sometimes not at all: then it is the next answer that is compared with itself.
                for (std::size_t k = 0; k != looks % 3; ++k) {
                    auto peek = source.peek();
                    auto shown_next = d.until_ready([&](pollux::context& cx) { return peek.poll(cx); });
                    if (shown_next.has_error())
                        seen.emplace(std::unexpect, shown_next.error());
                    else if (shown_next.value() != nullptr)
                        seen.emplace(*shown_next.value());
                }
                auto next = d.until_ready([&](pollux::context& cx) { return source.poll_next(cx); });
                std::optional<answer> given;
                if (next.has_error())
                    given.emplace(std::unexpect, next.error());
                else if (next.value().has_value())
                    given.emplace(*next.value());
                if (looks % 3 != 0) same(seen, given);
                if (!given.has_value()) break;
                all.push_back(*given);
            }
            same(all, plain(in.first));
        });
        check_property("catch_exception", [](const inputs& in) {
            driver d(in.units);
            auto source = pollux::catch_exception(noisy_stream(d.at(), in.first));
            answers<int> all;
            for (;;) {
                auto next = d.until_ready([&](pollux::context& cx) { return source.poll_next(cx); });
                if (next.has_error()) throw mismatch("an exception");
                if (!next.value().has_value()) break;
                all.push_back(*next.value());
            }
            same(all, plain(in.first));
        });
        check_property("once, into_stream", [](const inputs& in) {
            for (const step& each : in.first) {
                driver d(in.units);
                const answers<int> expected{later(each.number)};
                same(d.drain(pollux::once(future_of(d)(each.number))), expected);
                same(d.drain(pollux::into_stream(future_of(d)(each.number))), expected);
            }
        });
    }

    TEST_CASE("adapters of two streams") {
        check_property("chain", [](const inputs& in) {
            driver d(in.units);
            same(d.drain(pollux::chain(noisy_stream(d.at(), in.first), noisy_stream(d.at(), in.second))),
                 joined(plain(in.first), plain(in.second)));
        });
        check_property("zip", [](const inputs& in) {
            driver d(in.units);
            const auto pairs = d.drain(pollux::zip(noisy_stream(d.at(), in.first), noisy_stream(d.at(), in.second)));
            const auto a = values(plain(in.first));
            const auto b = values(plain(in.second));
            std::vector<std::pair<int, int>> expected;
            for (std::size_t at = 0; at != std::min(a.size(), b.size()); ++at) expected.emplace_back(a[at], b[at]);
            same(values(pairs), expected);
            // No error is made up; those behind the end of the shorter are not asked for.
            if (pairs.size() - expected.size() > errors(plain(in.first)).size() + errors(plain(in.second)).size())
                throw mismatch("too many errors");
        });
        check_property("merge", [](const inputs& in) {
            driver d(in.units);
            // Values and errors of the first are even, of the second odd.
            const auto tagged = [&d](const script& steps, int tag) {
                const auto number = [tag](int i) { return 2 * i + tag; };
                return pollux::map_err(pollux::map(noisy_stream(d.at(), steps), number),
                                       [number](fault f) { return fault{number(f.code)}; });
            };
            const answers<int> got = d.drain(pollux::merge(tagged(in.first, 0), tagged(in.second, 1)));
            for (const int tag : {0, 1}) {
                answers<int> of_one;
                for (answer each : got) {
                    int& number = each.has_value() ? *each : each.error().code;
                    if (number % 2 != tag) continue;
                    number /= 2;
                    of_one.push_back(each);
                }
                same(of_one, plain(tag == 0 ? in.first : in.second));
            }
        });
        check_property("take_until", [](const inputs& in) {
            driver d(in.units);
            auto stop = noisy_future<int>(d.at(), in.n, in.n % 2 == 0 ? answer(1) : std::unexpected(fault{100}));
            answers<int> got = d.drain(pollux::take_until(noisy_stream(d.at(), in.first), std::move(stop)));
            const bool is_stopped_by_error = !got.empty() && is_of_future(got.back());
            if (is_stopped_by_error) got.pop_back();
            same(got, first_of(plain(in.first), got.size()));
        });
    }

    TEST_CASE("streams of streams") {
        const auto in_turn = [](const answers<int>& all) {
            return each_value(all, [](int i, auto& out) {
                for (const answer& each : plain(few(i))) out.push_back(each);
                return true;
            });
        };
        check(
            "flat_map",
            [](driver& d, auto in) {
                return pollux::flat_map(std::move(in), [&d](int i) { return noisy_stream(d.at(), few(i)); });
            },
            in_turn);
        check(
            "flatten",
            [](driver& d, auto in) {
                return pollux::flatten(
                    pollux::map(std::move(in), [&d](int i) { return noisy_stream(d.at(), few(i)); }));
            },
            in_turn);
    }

    TEST_CASE("futures in flight") {
        check_property("buffered", [](const inputs& in) {
            driver d(in.units);
            const auto got = d.drain(pollux::buffered(pollux::map(noisy_stream(d.at(), in.first), future_of(d)),
                                                      static_cast<std::size_t>(in.n)));
            same(without_errors_of_source(got), without_errors_of_source(in_order(plain(in.first))));
            same(errors_of_source(got), errors_of_source(plain(in.first)));
        });
        check_property("buffer_unordered", [](const inputs& in) {
            driver d(in.units);
            const auto got = d.drain(pollux::buffer_unordered(pollux::map(noisy_stream(d.at(), in.first), future_of(d)),
                                                              static_cast<std::size_t>(in.n)));
            same(sorted(as_numbers(got)), sorted(as_numbers(in_order(plain(in.first)))));
            same(errors_of_source(got), errors_of_source(plain(in.first)));
            // One at a time has an order.
            if (in.n == 1) same(without_errors_of_source(got), without_errors_of_source(in_order(plain(in.first))));
        });
        check_property("for_each_concurrent", [](const inputs& in) {
            driver d(in.units);
            std::vector<int> seen;
            int most = 0;
            int now = 0;
            const auto each = [&](int i) {
                seen.push_back(i);
                most = std::max(most, ++now);
                return pollux::map(noisy_future<int>(d.at(), i % 4, i), [&now](int) { --now; });
            };
            const auto limit = static_cast<std::size_t>(in.n - 1);  // 0: none
            const auto done = d.finish(pollux::for_each_concurrent(noisy_stream(d.at(), in.first), limit, each));
            const auto expected = gathered(plain(in.first));
            same(mapped(done, [](pollux::unit) { return 0; }), mapped(expected, [](const auto&) { return 0; }));
            std::vector<int> begun;
            for (const answer& one : plain(in.first)) {
                if (!one.has_value()) break;
                begun.push_back(*one);
            }
            same(seen, begun);
            if (limit != 0 && most > in.n - 1) throw mismatch("more at a time than allowed");
        });
    }

    TEST_CASE("sets give each result once") {
        check_property("futures_unordered, futures_ordered", [](const inputs& in) {
            driver d(in.units);
            pollux::futures_unordered<noisy_future<int>> unordered;
            pollux::futures_ordered<noisy_future<int>> ordered;
            answers<int> expected;
            for (const int i : values(plain(in.first))) {
                unordered.push(future_of(d)(i));
                ordered.push(future_of(d)(i));
                expected.push_back(later(i));
            }
            same(d.drain(std::move(ordered)), expected);
            same(sorted(as_numbers(d.drain(std::move(unordered)))), sorted(as_numbers(expected)));
        });
        check_property("stream_map", [](const inputs& in) {
            driver d(in.units);
            pollux::stream_map<int, noisy_stream> map;
            map.insert(0, noisy_stream(d.at(), without_errors(in.first)));
            map.insert(1, noisy_stream(d.at(), without_errors(in.second)));
            // Replaced and removed before they were polled.
            map.insert(2, noisy_stream(d.at(), in.first));
            map.insert(2, noisy_stream(d.at(), few(in.n)));
            map.insert(3, noisy_stream(d.at(), in.first));
            map.remove(3);
            std::vector<std::vector<int>> of_key(3);
            std::size_t errors_seen = 0;
            for (const auto& each : d.drain(std::move(map))) {
                if (each.has_value())
                    of_key.at(static_cast<std::size_t>(each->first)).push_back(each->second);
                else
                    ++errors_seen;
            }
            same(of_key, {values(plain(in.first)), values(plain(in.second)), values(plain(few(in.n)))});
            same(errors_seen, errors(plain(few(in.n))).size());
        });
    }

    TEST_CASE("sources") {
        check_property("iter, repeat, unfold, poll_stream_fn, empty_stream", [](const inputs& in) {
            driver d(in.units);
            const std::vector<int> all = values(plain(in.first));
            answers<int> expected;
            for (const int i : all) expected.emplace_back(i);
            same(d.drain(pollux::iter(all)), expected);
            std::size_t at = 0;
            same(d.drain(pollux::poll_stream_fn([&](pollux::context&) -> pollux::polled<std::optional<int>> {
                if (at == all.size()) return std::nullopt;
                return all[at++];
            })),
                 expected);
            const auto from = [&](std::size_t next) {
                std::optional<std::pair<int, std::size_t>> item;
                if (next != all.size()) item.emplace(all[next], next + 1);
                return item;
            };
            same(d.drain(pollux::unfold(std::size_t{0}, from)), expected);
            same(d.drain(pollux::take(pollux::repeat(in.n), all.size())), answers<int>(all.size(), in.n));
            same(d.drain(pollux::empty_stream<int>()), answers<int>());
        });
    }
}

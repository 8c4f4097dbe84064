// SPDX-License-Identifier: MIT
// The truth table of the adapters of streams: of one source, and of two.
#include <doctest/doctest.h>

#include <cstdio>
#include <expected>
#include <optional>
#include <utility>
#include <variant>

#include "pollux/future/boxed.hpp"
#include "pollux/future/catch_exception.hpp"
#include "pollux/future/from_err.hpp"
#include "pollux/future/fuse.hpp"
#include "pollux/future/inspect.hpp"
#include "pollux/future/map.hpp"
#include "pollux/sink/split.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/catch_exception.hpp"
#include "pollux/stream/chain.hpp"
#include "pollux/stream/chunks.hpp"
#include "pollux/stream/enumerate.hpp"
#include "pollux/stream/filter.hpp"
#include "pollux/stream/filter_map.hpp"
#include "pollux/stream/from_err.hpp"
#include "pollux/stream/fuse.hpp"
#include "pollux/stream/inspect.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/merge.hpp"
#include "pollux/stream/peekable.hpp"
#include "pollux/stream/scan.hpp"
#include "pollux/stream/skip.hpp"
#include "pollux/stream/skip_while.hpp"
#include "pollux/stream/take.hpp"
#include "pollux/stream/take_while.hpp"
#include "pollux/stream/zip.hpp"
#include "truth/stream_cells.hpp"

namespace {

using pollux::test::cells_of_a_row;
using pollux::test::check_stream_row;
using pollux::test::ending;
using pollux::test::items;
using pollux::test::items_in;
using pollux::test::journal;
using pollux::test::noting;
using pollux::test::problem;
using pollux::test::stream_row;
using pollux::test::thing;

// Callables.
auto plus_ten(journal& notes) {
    return noting(notes, "fn", [](thing t) { return thing(t.where(), t.number() + 10); });
}
auto plus_twenty(journal& notes) {
    return noting(notes, "fn", [](problem p) { return problem(p.where(), p.number() + 20); });
}
auto odd(journal& notes) {
    return noting(notes, "fn", [](const thing& t) { return t.number() % 2 == 1; });
}
auto below(journal& notes, int limit) {
    return noting(notes, "fn", [limit](const thing& t) { return t.number() < limit; });
}

// Looks at each item before it takes it.
struct peeking {
    using value_type = thing;
    using error_type = problem;

    explicit peeking(items in) : source(pollux::peekable(std::move(in))) {}
    pollux::polled<std::optional<thing>, problem> poll_next(pollux::context& cx) {
        auto peek = source.peek();
        auto seen = peek.poll(cx);
        if (seen.is_pending()) return pollux::pending;
        return source.poll_next(cx);
    }

    decltype(pollux::peekable(std::declval<items>())) source;
};

// A stream that takes items as well; here none are sent.
struct duplex : items {
    using item_type = int;

    explicit duplex(items in) : items(std::move(in)) {}
    pollux::polled<void, problem> poll_ready(pollux::context&) { return pollux::polled<>::ready(); }
    std::expected<void, problem> start_send(int) { return {}; }
    pollux::polled<void, problem> poll_flush(pollux::context&) { return pollux::polled<>::ready(); }
    pollux::polled<void, problem> poll_close(pollux::context&) { return pollux::polled<>::ready(); }
};

// The rows of adapters that hand items and errors on as they are.
constexpr bool remembers_its_end = true;
int check_as_it_is(const char* name, auto adapt, bool remembers = false) {
    return check_stream_row(
        {.name = name,
         .value = remembers ? "in1 [1] in2 [2] in3 [3] in$ [end] [end] ~in" : "in1 [1] in2 [2] in3 [3] in$ [end] ~in",
         .error = remembers ? "in1 [1] in2 [e2] in3 [3] in$ [end] [end] ~in" : "in1 [1] in2 [e2] in3 [3] in$ [end] ~in",
         .ends = remembers ? 2 : 1},
        [&](journal& notes, ending how) { return adapt(items_in(notes, how)); });
}

// The rows of adapters with a callable; `make(notes, source)`.
int check_called(const stream_row& row, auto make) {
    return check_stream_row(row, [&](journal& notes, ending how) { return make(notes, items_in(notes, how)); });
}

}  // namespace

TEST_SUITE("truth/streams") {
    TEST_CASE("adapters that hand on what they get, for every ending, drop and form") {
        int cells = 0;
        cells += check_as_it_is("boxed", [](items in) { return pollux::boxed(std::move(in)); });
        cells +=
            check_as_it_is("peekable", [](items in) { return pollux::peekable(std::move(in)); }, remembers_its_end);
        cells += check_as_it_is(
            "take, more than there are", [](items in) { return pollux::take(std::move(in), 9); }, remembers_its_end);
        cells += check_as_it_is("peekable, peeked at", [](items in) { return peeking(std::move(in)); });
        cells +=
            check_as_it_is("split", [](items in) { return std::move(pollux::split(duplex(std::move(in))).second); });
        cells += check_as_it_is("fuse", [](items in) { return pollux::fuse(std::move(in)); }, remembers_its_end);
        cells += check_stream_row({.name = "from_err",
                                   .value = "in1 [1] in2 [2] in3 [3] in$ [end] ~in",
                                   .error = "in1 [1] in2 [1:e2] in3 [3] in$ [end] ~in"},
                                  [](journal& notes, ending how) {
                                      return pollux::from_err<std::variant<bool, problem>>(items_in(notes, how));
                                  });
        cells +=
            check_stream_row({.name = "catch_exception",
                              .value = "in1 [1] in2 [2] in3 [3] in$ [end] ~in",
                              .error = "in1 [1] in2 [e2] in3 [3] in$ [end] ~in",
                              .exception = "in1 [1] in2 [exception] [end] ~in"},
                             [](journal& notes, ending how) { return pollux::catch_exception(items_in(notes, how)); });
        cells += check_stream_row({.name = "enumerate",
                                   .value = "in1 [(0,1)] in2 [(1,2)] in3 [(2,3)] in$ [end] ~in",
                                   .error = "in1 [(0,1)] in2 [e2] in3 [(1,3)] in$ [end] ~in"},
                                  [](journal& notes, ending how) { return pollux::enumerate(items_in(notes, how)); });
        std::printf("truth table of streams, as they are: %d cells\n", cells);
        CHECK(cells == 9 * cells_of_a_row);
    }

    TEST_CASE("adapters with a plain function, for every ending, drop and form") {
        int cells = 0;
        cells += check_called({.name = "map",
                               .value = "in1 fn [11] in2 fn [12] in3 fn [13] in$ [end] ~in ~fn",
                               .error = "in1 fn [11] in2 [e2] in3 fn [13] in$ [end] ~in ~fn"},
                              [](journal& notes, items in) { return pollux::map(std::move(in), plus_ten(notes)); });
        cells +=
            check_called({.name = "map_err",
                          .value = "in1 [1] in2 [2] in3 [3] in$ [end] ~in ~fn",
                          .error = "in1 [1] in2 fn [e22] in3 [3] in$ [end] ~in ~fn"},
                         [](journal& notes, items in) { return pollux::map_err(std::move(in), plus_twenty(notes)); });
        cells += check_called({.name = "inspect",
                               .value = "in1 fn [1] in2 fn [2] in3 fn [3] in$ [end] ~in ~fn",
                               .error = "in1 fn [1] in2 [e2] in3 fn [3] in$ [end] ~in ~fn"},
                              [](journal& notes, items in) {
                                  return pollux::inspect(std::move(in), noting(notes, "fn", [](const thing&) {}));
                              });
        cells += check_called({.name = "inspect_err",
                               .value = "in1 [1] in2 [2] in3 [3] in$ [end] ~in ~fn",
                               .error = "in1 [1] in2 fn [e2] in3 [3] in$ [end] ~in ~fn"},
                              [](journal& notes, items in) {
                                  return pollux::inspect_err(std::move(in), noting(notes, "fn", [](const problem&) {}));
                              });
        cells += check_called({.name = "filter",
                               .value = "in1 fn [1] in2 fn in3 fn [3] in$ [end] ~in ~fn",
                               .error = "in1 fn [1] in2 [e2] in3 fn [3] in$ [end] ~in ~fn"},
                              [](journal& notes, items in) { return pollux::filter(std::move(in), odd(notes)); });
        cells += check_called({.name = "filter_map",
                               .value = "in1 fn [11] in2 fn in3 fn [13] in$ [end] ~in ~fn",
                               .error = "in1 fn [11] in2 [e2] in3 fn [13] in$ [end] ~in ~fn"},
                              [](journal& notes, items in) {
                                  return pollux::filter_map(std::move(in),
                                                            noting(notes, "fn", [](thing t) -> std::optional<thing> {
                                                                if (t.number() == 2) return std::nullopt;
                                                                return thing(t.where(), t.number() + 10);
                                                            }));
                              });
        cells +=
            check_called({.name = "take_while",
                          .value = "in1 fn [1] in2 fn [2] in3 fn [end] [end] ~in ~fn",
                          .error = "in1 fn [1] in2 [e2] in3 fn [end] [end] ~in ~fn",
                          .ends = 2},
                         [](journal& notes, items in) { return pollux::take_while(std::move(in), below(notes, 3)); });
        cells +=
            check_called({.name = "skip_while",
                          .value = "in1 fn in2 fn [2] in3 [3] in$ [end] ~in ~fn",
                          .error = "in1 fn in2 [e2] in3 fn [3] in$ [end] ~in ~fn"},
                         [](journal& notes, items in) { return pollux::skip_while(std::move(in), below(notes, 2)); });
        cells += check_called({.name = "scan",
                               .value = "in1 fn [1] in2 fn [3] in3 fn [end] [end] ~in ~fn",
                               .error = "in1 fn [1] in2 [e2] in3 fn [end] [end] ~in ~fn",
                               .ends = 2},
                              [](journal& notes, items in) {
                                  const auto sum = [](int& so_far, thing t) -> std::optional<thing> {
                                      so_far += t.number();
                                      if (so_far > 3) return std::nullopt;
                                      return thing(t.where(), so_far);
                                  };
                                  return pollux::scan(std::move(in), 0, noting(notes, "fn", sum));
                              });
        std::printf("truth table of streams, with a function: %d cells\n", cells);
        CHECK(cells == 9 * cells_of_a_row);
    }

    TEST_CASE("adapters that count, for every ending, drop and form") {
        int cells = 0;
        cells += check_stream_row({.name = "take",
                                   .value = "in1 [1] in2 [2] [end] [end] ~in",
                                   .error = "in1 [1] in2 [e2] in3 [3] [end] [end] ~in",
                                   .ends = 2},
                                  [](journal& notes, ending how) { return pollux::take(items_in(notes, how), 2); });
        cells += check_stream_row({.name = "skip",
                                   .value = "in1 in2 [2] in3 [3] in$ [end] ~in",
                                   .error = "in1 in2 [e2] in3 [3] in$ [end] ~in"},
                                  [](journal& notes, ending how) { return pollux::skip(items_in(notes, how), 1); });
        cells += check_stream_row({.name = "chunks",
                                   .value = "in1 in2 [[1,2]] in3 in$ [[3]] [end] [end] ~in",
                                   .error = "in1 in2 [[1]] [e2] in3 in$ [[3]] [end] [end] ~in",
                                   .ends = 2},
                                  [](journal& notes, ending how) { return pollux::chunks(items_in(notes, how), 2); });
        cells +=
            check_stream_row({.name = "ready_chunks",
                              .value = "in1 in2 [[1,2]] in3 in$ [[3]] [end] [end] ~in",
                              .error = "in1 in2 [[1]] [e2] in3 in$ [[3]] [end] [end] ~in",
                              .pending_value = "in1 in2 [[1]] in2 [..] in2 in3 [[2,3]] in$ [end] [end] ~in",
                              .pending_error = "in1 in2 [[1]] in2 [..] in2 [e2] in3 in$ [[3]] [end] [end] ~in",
                              .never = "in1 in2 [[1]] in2 [..] ~in",
                              .ends = 2},
                             [](journal& notes, ending how) { return pollux::ready_chunks(items_in(notes, how), 2); });
        std::printf("truth table of streams, counted: %d cells\n", cells);
        CHECK(cells == 4 * cells_of_a_row);
    }

    TEST_CASE("adapters of two streams, for every ending of either, drop and form") {
        int cells = 0;
        const auto with_second = [](auto combine) {
            return [combine](journal& notes, ending how) {
                return combine(items_in(notes, how), items_in(notes, ending::value, "b"));
            };
        };
        cells +=
            check_stream_row({.name = "chain",
                              .value = "in1 [1] in2 [2] in3 [3] in$ b1 [1] b2 [2] b3 [3] b$ [end] ~b ~in",
                              .error = "in1 [1] in2 [e2] in3 [3] in$ b1 [1] b2 [2] b3 [3] b$ [end] ~b ~in"},
                             with_second([](items a, items b) { return pollux::chain(std::move(a), std::move(b)); }));
        cells += check_stream_row(
            {.name = "zip",
             .value = "in1 b1 [(1,1)] in2 b2 [(2,2)] in3 b3 [(3,3)] in$ [end] [end] ~b ~in",
             .error = "in1 b1 [(1,1)] in2 [e2] in3 b2 [(3,2)] in$ [end] [end] ~b ~in",
             .pending_value = "in1 b1 [(1,1)] in2 b2 [..] in2 [(2,2)] in3 b3 [(3,3)] in$ [end] [end] ~b ~in",
             .pending_error = "in1 b1 [(1,1)] in2 b2 [..] in2 [e2] in3 [(3,2)] in$ [end] [end] ~b ~in",
             .never = "in1 b1 [(1,1)] in2 b2 [..] ~b ~in",
             .ends = 2},
            with_second([](items a, items b) { return pollux::zip(std::move(a), std::move(b)); }));
        cells += check_stream_row(
            {.name = "merge",
             .value = "in1 [1] b1 [1] in2 [2] b2 [2] in3 [3] b3 [3] in$ b$ [end] [end] ~b ~in",
             .error = "in1 [1] b1 [1] in2 [e2] b2 [2] in3 [3] b3 [3] in$ b$ [end] [end] ~b ~in",
             .pending_value = "in1 [1] b1 [1] in2 b2 [2] b3 [3] b$ [..] in2 [2] in3 [3] in$ [end] [end] ~b ~in",
             .pending_error = "in1 [1] b1 [1] in2 b2 [2] b3 [3] b$ [..] in2 [e2] in3 [3] in$ [end] [end] ~b ~in",
             .never = "in1 [1] b1 [1] in2 b2 [2] b3 [3] b$ [..] ~b ~in",
             .ends = 2},
            with_second([](items a, items b) { return pollux::merge(std::move(a), std::move(b)); }));
        const auto with_first = [](auto combine) {
            return [combine](journal& notes, ending how) {
                return combine(items_in(notes, ending::value), items_in(notes, how, "b"));
            };
        };
        cells +=
            check_stream_row({.name = "chain, second",
                              .value = "in1 [1] in2 [2] in3 [3] in$ b1 [1] b2 [2] b3 [3] b$ [end] ~b ~in",
                              .error = "in1 [1] in2 [2] in3 [3] in$ b1 [1] b2 [e2] b3 [3] b$ [end] ~b ~in",
                              .mark = "b2"},
                             with_first([](items a, items b) { return pollux::chain(std::move(a), std::move(b)); }));
        // An item that waits for its partner waits on after an error.
        cells += check_stream_row({.name = "zip, second",
                                   .value = "in1 b1 [(1,1)] in2 b2 [(2,2)] in3 b3 [(3,3)] in$ [end] [end] ~b ~in",
                                   .error = "in1 b1 [(1,1)] in2 b2 [e2] b3 [(2,3)] in3 b$ [end] [end] ~b ~in",
                                   .mark = "b2",
                                   .ends = 2},
                                  with_first([](items a, items b) { return pollux::zip(std::move(a), std::move(b)); }));
        cells += check_stream_row(
            {.name = "merge, second",
             .value = "in1 [1] b1 [1] in2 [2] b2 [2] in3 [3] b3 [3] in$ b$ [end] [end] ~b ~in",
             .error = "in1 [1] b1 [1] in2 [2] b2 [e2] in3 [3] b3 [3] in$ b$ [end] [end] ~b ~in",
             .pending_value = "in1 [1] b1 [1] in2 [2] b2 in3 [3] in$ [..] b2 [2] b3 [3] b$ [end] [end] ~b ~in",
             .pending_error = "in1 [1] b1 [1] in2 [2] b2 in3 [3] in$ [..] b2 [e2] b3 [3] b$ [end] [end] ~b ~in",
             .never = "in1 [1] b1 [1] in2 [2] b2 in3 [3] in$ [..] ~b ~in",
             .mark = "b2",
             .ends = 2},
            with_first([](items a, items b) { return pollux::merge(std::move(a), std::move(b)); }));
        std::printf("truth table of streams, of two: %d cells\n", cells);
        CHECK(cells == 6 * cells_of_a_row);
    }
}

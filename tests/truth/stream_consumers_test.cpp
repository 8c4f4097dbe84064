// SPDX-License-Identifier: MIT
// The truth table of what reads a stream as a future, and of what makes a stream of a future.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "pollux/future/flatten_stream.hpp"
#include "pollux/future/into_stream.hpp"
#include "pollux/future/map.hpp"
#include "pollux/stream/any.hpp"
#include "pollux/stream/collect.hpp"
#include "pollux/stream/concat.hpp"
#include "pollux/stream/count.hpp"
#include "pollux/stream/fold.hpp"
#include "pollux/stream/for_each.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/stream/once.hpp"
#include "pollux/stream/select_next_some.hpp"
#include "truth/stream_cells.hpp"

namespace {

using pollux::test::cells_of_a_row;
using pollux::test::check_stream_row;
using pollux::test::ending;
using pollux::test::items;
using pollux::test::items_in;
using pollux::test::journal;
using pollux::test::noting;
using pollux::test::scripted;
using pollux::test::scripted_items;
using pollux::test::stream_row;
using pollux::test::thing;

// `make(notes, source)`.
int check(const stream_row& row, auto make) {
    return check_stream_row(row, [&](journal& notes, ending how) { return make(notes, items_in(notes, how)); });
}

// Callables.
auto plus(journal& notes) {
    return noting(notes, "fn", [](thing sum, thing t) { return thing(t.where(), sum.number() + t.number()); });
}
auto is(journal& notes, int n) {
    return noting(notes, "fn", [n](const thing& t) { return t.number() == n; });
}
// A future for each item, of which the second ends as the cell says.
template <class T>
auto future_of(journal& notes, ending how) {
    return
        [&notes, how](int n) { return scripted<T>(notes, "f" + std::to_string(n), n == 2 ? how : ending::value, n); };
}

}  // namespace

TEST_SUITE("truth/stream consumers") {
    TEST_CASE("one item of a stream, for every ending, drop and form") {
        int cells = 0;
        const stream_row row{.name = "next", .value = "in2 [2] ~in", .error = "in2 [e2] ~in"};
        cells += check(row, [](journal&, items in) { return pollux::next(std::move(in).from_second()); });
        cells += check({.name = "select_next_some", .value = row.value, .error = row.error},
                       [](journal&, items in) { return pollux::select_next_some(std::move(in).from_second()); });
        std::printf("truth table of streams, one item: %d cells\n", cells);
        CHECK(cells == 2 * cells_of_a_row);
    }

    TEST_CASE("what reads a stream to its end, for every ending, drop and form") {
        int cells = 0;
        cells += check({.name = "collect", .value = "in1 in2 in3 in$ [[1,2,3]] ~in", .error = "in1 in2 [e2] ~in"},
                       [](journal&, items in) { return pollux::collect(std::move(in)); });
        cells += check({.name = "count", .value = "in1 in2 in3 in$ [3] ~in", .error = "in1 in2 [e2] ~in"},
                       [](journal&, items in) { return pollux::count(std::move(in)); });
        cells +=
            check_stream_row({.name = "concat", .value = "in1 in2 in3 in$ [[1,2,3]] ~in", .error = "in1 in2 [e2] ~in"},
                             [](journal& notes, ending how) {
                                 const auto one = [&notes](int n) { return std::vector<thing>{thing(notes, n)}; };
                                 return pollux::concat(scripted_items(notes, "in", how, one));
                             });
        cells +=
            check({.name = "fold", .value = "in1 fn in2 fn in3 fn in$ [6] ~in ~fn", .error = "in1 fn in2 [e2] ~in ~fn"},
                  [](journal& notes, items in) { return pollux::fold(std::move(in), thing(notes, 0), plus(notes)); });
        cells += check({.name = "for_each",
                        .value = "in1 fn in2 fn in3 fn in$ [void] ~in ~fn",
                        .error = "in1 fn in2 [e2] ~in ~fn"},
                       [](journal& notes, items in) {
                           return pollux::for_each(std::move(in), noting(notes, "fn", [](const thing&) {}));
                       });
        cells +=
            check({.name = "any, found", .value = "in1 fn in2 fn [true] ~in ~fn", .error = "in1 fn in2 [e2] ~in ~fn"},
                  [](journal& notes, items in) { return pollux::any(std::move(in), is(notes, 2)); });
        cells += check({.name = "any, not found",
                        .value = "in1 fn in2 fn in3 fn in$ [false] ~in ~fn",
                        .error = "in1 fn in2 [e2] ~in ~fn"},
                       [](journal& notes, items in) { return pollux::any(std::move(in), is(notes, 9)); });
        cells += check(
            {.name = "all, refuted", .value = "in1 fn in2 fn [false] ~in ~fn", .error = "in1 fn in2 [e2] ~in ~fn"},
            [](journal& notes, items in) { return pollux::all(std::move(in), is(notes, 1)); });
        cells += check({.name = "all, true",
                        .value = "in1 fn in2 fn in3 fn in$ [true] ~in ~fn",
                        .error = "in1 fn in2 [e2] ~in ~fn"},
                       [](journal& notes, items in) {
                           return pollux::all(std::move(in),
                                              noting(notes, "fn", [](const thing& t) { return t.number() < 9; }));
                       });
        std::printf("truth table of streams, read to the end: %d cells\n", cells);
        CHECK(cells == 9 * cells_of_a_row);
    }

    TEST_CASE(
        "what reads a stream and waits for a future of each item, for every ending of the second, drop and form") {
        int cells = 0;
        cells += check_stream_row(
            {.name = "fold, future",
             .value = "in1 fn f1 ~f1 in2 fn f2 ~f2 in3 fn f3 ~f3 in$ [3] ~in ~fn",
             .error = "in1 fn f1 ~f1 in2 fn f2 ~f2 [e2] ~in ~fn",
             .exception = "in1 fn f1 ~f1 in2 fn f2 [thrown] ~f2 ~in ~fn",
             .while_pending = "~f2 ~in ~fn",
             .mark = "f2"},
            [](journal& notes, ending how) {
                const auto make = future_of<thing>(notes, how);
                const auto step = [make](const thing&, const thing& t) { return make(t.number()); };
                return pollux::fold(items_in(notes, ending::value), thing(notes, 0), noting(notes, "fn", step));
            });
        cells += check_stream_row({.name = "for_each, future",
                                   .value = "in1 fn f1 ~f1 in2 fn f2 ~f2 in3 fn f3 ~f3 in$ [void] ~in ~fn",
                                   .error = "in1 fn f1 ~f1 in2 fn f2 ~f2 [e2] ~in ~fn",
                                   .exception = "in1 fn f1 ~f1 in2 fn f2 [thrown] ~f2 ~in ~fn",
                                   .while_pending = "~f2 ~in ~fn",
                                   .mark = "f2"},
                                  [](journal& notes, ending how) {
                                      const auto make = future_of<void>(notes, how);
                                      return pollux::for_each(
                                          items_in(notes, ending::value),
                                          noting(notes, "fn", [make](const thing& t) { return make(t.number()); }));
                                  });
        cells += check_stream_row({.name = "all, future",
                                   .value = "in1 fn f1 ~f1 in2 fn f2 ~f2 in3 fn f3 ~f3 in$ [true] ~in ~fn",
                                   .error = "in1 fn f1 ~f1 in2 fn f2 ~f2 [e2] ~in ~fn",
                                   .exception = "in1 fn f1 ~f1 in2 fn f2 [thrown] ~f2 ~in ~fn",
                                   .while_pending = "~f2 ~in ~fn",
                                   .mark = "f2"},
                                  [](journal& notes, ending how) {
                                      const auto make = future_of<thing>(notes, how);
                                      const auto holds = [make](const thing& t) {
                                          return pollux::map(make(t.number()), [](const thing&) { return true; });
                                      };
                                      return pollux::all(items_in(notes, ending::value), noting(notes, "fn", holds));
                                  });
        std::printf("truth table of streams, read and awaited: %d cells\n", cells);
        CHECK(cells == 3 * cells_of_a_row);
    }

    TEST_CASE("streams of a future, for every ending, drop and form") {
        int cells = 0;
        const stream_row row{.name = "once",
                             .value = "f2 ~f2 [2] [end] [end]",
                             .error = "f2 ~f2 [e2] [end] [end]",
                             .exception = "f2 ~f2 [thrown]",
                             .before = "~f2",
                             .while_pending = "~f2",
                             .mark = "f2",
                             .ends = 2};
        cells += check_stream_row(
            row, [](journal& notes, ending how) { return pollux::once(future_of<thing>(notes, how)(2)); });
        stream_row same = row;
        same.name = "into_stream";
        cells += check_stream_row(
            same, [](journal& notes, ending how) { return pollux::into_stream(future_of<thing>(notes, how)(2)); });
        cells += check_stream_row({.name = "flatten_stream",
                                   .value = "f2 ~f2 in1 [1] in2 [2] in3 [3] in$ [end] ~in",
                                   .error = "f2 ~f2 [e2] [end]",
                                   .exception = "f2 ~f2 [thrown]",
                                   .before = "~f2",
                                   .while_pending = "~f2",
                                   .mark = "f2"},
                                  [](journal& notes, ending how) {
                                      return pollux::flatten_stream(pollux::map(
                                          future_of<thing>(notes, how)(2),
                                          [&notes](const thing&) { return items_in(notes, ending::value); }));
                                  });
        cells += check_stream_row({.name = "flatten_stream, inner",
                                   .value = "f1 ~f1 in1 [1] in2 [2] in3 [3] in$ [end] ~in",
                                   .error = "f1 ~f1 in1 [1] in2 [e2] in3 [3] in$ [end] ~in",
                                   .before = "~f1"},
                                  [](journal& notes, ending how) {
                                      return pollux::flatten_stream(
                                          pollux::map(future_of<thing>(notes, ending::value)(1),
                                                      [&notes, how](const thing&) { return items_in(notes, how); }));
                                  });
        std::printf("truth table of streams, of a future: %d cells\n", cells);
        CHECK(cells == 4 * cells_of_a_row);
    }
}

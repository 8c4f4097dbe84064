// SPDX-License-Identifier: MIT
// The truth table of the adapters that have futures or streams of their items in flight. The step that ends as the cell says is one of
// the source, or, in the rows marked "f2", the poll of the second future.
#include <doctest/doctest.h>

#include <cstdio>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "pollux/future/and_then.hpp"
#include "pollux/future/flatten.hpp"
#include "pollux/future/into_stream.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/or_else.hpp"
#include "pollux/future/then.hpp"
#include "pollux/stream/and_then.hpp"
#include "pollux/stream/buffer_unordered.hpp"
#include "pollux/stream/buffered.hpp"
#include "pollux/stream/filter.hpp"
#include "pollux/stream/filter_map.hpp"
#include "pollux/stream/flat_map.hpp"
#include "pollux/stream/flatten.hpp"
#include "pollux/stream/for_each_concurrent.hpp"
#include "pollux/stream/or_else.hpp"
#include "pollux/stream/scan.hpp"
#include "pollux/stream/skip_while.hpp"
#include "pollux/stream/take_until.hpp"
#include "pollux/stream/take_while.hpp"
#include "pollux/stream/then.hpp"
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
using pollux::test::scripted;
using pollux::test::scripted_items;
using pollux::test::stream_row;
using pollux::test::thing;

// A future for the number of an item, or of its error; the second ends as `second` says.
template <class T = thing>
auto futures(journal& notes, ending second) {
    return [&notes, second](int n) {
        return scripted<T>(notes, "f" + std::to_string(n), n == 2 ? second : ending::value, n);
    };
}
template <class T = thing>
auto future_of(journal& notes, ending second) {
    return noting(notes, "fn", [make = futures<T>(notes, second)](const auto& of) { return make(of.number()); });
}

// The same adapter, over a source whose second item ends as the cell says, and with a second future that does.
// `make(notes, source, second)`.
int check_both(const stream_row& by_source, const stream_row& by_future, auto make) {
    return check_stream_row(by_source, [&](journal& notes,
                                           ending how) { return make(notes, items_in(notes, how), ending::value); }) +
           check_stream_row(
               by_future, [&](journal& notes, ending how) { return make(notes, items_in(notes, ending::value), how); });
}

// A predicate that says later what `says(n)` is.
auto asking(journal& notes, ending second, auto says) {
    return noting(notes, "fn", [make = futures(notes, second), says](const thing& t) {
        return pollux::map(make(t.number()), [says](const thing& told) { return says(told.number()); });
    });
}
bool is_odd(int n) { return n % 2 == 1; }
bool is_below_2(int n) { return n < 2; }
bool is_below_3(int n) { return n < 3; }

auto maybe_of(const thing& t) {
    std::optional<thing> odd;
    if (t.number() != 2) odd.emplace(t.where(), t.number() + 10);
    return odd;
}

}  // namespace

TEST_SUITE("truth/stream children") {
    TEST_CASE("one future at a time, for every ending, drop and form") {
        int cells = 0;
        cells += check_both({.name = "and_then",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn"},
                            {.name = "and_then, future",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                return pollux::and_then(std::move(in), future_of(notes, second));
                            });
        cells += check_both({.name = "then",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 fn f9 ~f9 [9] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn"},
                            {.name = "then, future",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                const auto go_on = [make = futures(notes, second)](std::expected<thing, problem> item) {
                                    return make(item.has_value() ? item->number() : 9);
                                };
                                return pollux::then(std::move(in), noting(notes, "fn", go_on));
                            });
        cells += check_stream_row({.name = "or_else",
                                   .value = "in1 [1] in2 [2] in3 [3] in$ [end] ~in ~fn",
                                   .error = "in1 [1] in2 fn f2 ~f2 [2] in3 [3] in$ [end] ~in ~fn"},
                                  [](journal& notes, ending how) {
                                      return pollux::or_else(items_in(notes, how), future_of(notes, ending::value));
                                  });
        cells += check_stream_row({.name = "or_else, future",
                                   .value = "in1 [1] in2 fn f2 ~f2 [2] in3 [3] in$ [end] ~in ~fn",
                                   .error = "in1 [1] in2 fn f2 ~f2 [e2] in3 [3] in$ [end] ~in ~fn",
                                   .exception = "in1 [1] in2 fn f2 ~f2 [thrown] ~in ~fn",
                                   .while_pending = "~f2 ~in ~fn",
                                   .mark = "f2"},
                                  [](journal& notes, ending how) {
                                      return pollux::or_else(items_in(notes, ending::error), future_of(notes, how));
                                  });
        std::printf("truth table of streams, one future at a time: %d cells\n", cells);
        CHECK(cells == 6 * cells_of_a_row);
    }

    TEST_CASE("predicates and functions that answer later, for every ending, drop and form") {
        int cells = 0;
        cells += check_both({.name = "filter, later",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn"},
                            {.name = "filter, future",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                return pollux::filter(std::move(in), asking(notes, second, is_odd));
                            });
        cells += check_both({.name = "take_while, later",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 [e2] in3 fn f3 ~f3 [end] ~in ~fn"},
                            {.name = "take_while, future",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                return pollux::take_while(std::move(in), asking(notes, second, is_below_3));
                            });
        cells += check_both({.name = "skip_while, later",
                             .value = "in1 fn f1 ~f1 in2 fn f2 ~f2 [2] in3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 in2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn"},
                            {.name = "skip_while, future",
                             .value = "in1 fn f1 ~f1 in2 fn f2 ~f2 [2] in3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                return pollux::skip_while(std::move(in), asking(notes, second, is_below_2));
                            });
        cells += check_both({.name = "filter_map, later",
                             .value = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 in3 fn f3 ~f3 [13] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [11] in2 [e2] in3 fn f3 ~f3 [13] in$ [end] ~in ~fn"},
                            {.name = "filter_map, future",
                             .value = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 in3 fn f3 ~f3 [13] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [13] in$ [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                const auto later = [make = futures(notes, second)](const thing& t) {
                                    return pollux::map(make(t.number()), maybe_of);
                                };
                                return pollux::filter_map(std::move(in), noting(notes, "fn", later));
                            });
        cells += check_both({.name = "scan, later",
                             .value = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [11] in2 [e2] in3 fn f3 ~f3 [13] in$ [end] ~in ~fn"},
                            {.name = "scan, future",
                             .value = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [13] in$ [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 [11] in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                const auto later = [make = futures(notes, second)](int&, const thing& t) {
                                    return pollux::map(make(t.number()), maybe_of);
                                };
                                return pollux::scan(std::move(in), 0, noting(notes, "fn", later));
                            });
        std::printf("truth table of streams, answers that come later: %d cells\n", cells);
        CHECK(cells == 10 * cells_of_a_row);
    }

    TEST_CASE("one stream at a time, for every ending, drop and form") {
        int cells = 0;
        // The end of a stream is seen in the poll after its item: of the first one before the second item is asked for.
        for (const char* const which : {"source", "future"}) {
            const bool by_source = *which == 's';
            const auto make_source = [by_source](journal& notes, ending how) {
                const auto one = [make = futures(notes, by_source ? ending::value : how)](int n) {
                    return pollux::into_stream(make(n));
                };
                return scripted_items(notes, "in", by_source ? how : ending::value, one);
            };
            stream_row row{.name = "flatten",
                           .value = "in1 f1 ~f1 [1] in2 f2 ~f2 [2] in3 f3 ~f3 [3] in$ [end] ~in",
                           .error = "in1 f1 ~f1 [1] in2 [e2] in3 f3 ~f3 [3] in$ [end] ~in"};
            if (!by_source) {
                row.error = "in1 f1 ~f1 [1] in2 f2 ~f2 [e2] in3 f3 ~f3 [3] in$ [end] ~in";
                row.exception = "in1 f1 ~f1 [1] in2 f2 ~f2 [thrown] ~in";
                row.while_pending = "~f2 ~in";
                row.mark = "f2";
            }
            cells += check_stream_row(
                row, [&](journal& notes, ending how) { return pollux::flatten(make_source(notes, how)); });
        }
        cells += check_both({.name = "flat_map",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn"},
                            {.name = "flat_map, future",
                             .value = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .error = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [e2] in3 fn f3 ~f3 [3] in$ [end] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 [1] in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                const auto inner = [make = futures(notes, second)](const thing& t) {
                                    return pollux::into_stream(make(t.number()));
                                };
                                return pollux::flat_map(std::move(in), noting(notes, "fn", inner));
                            });
        std::printf("truth table of streams, one stream at a time: %d cells\n", cells);
        CHECK(cells == 4 * cells_of_a_row);
    }

    TEST_CASE("two futures at a time, for every ending, drop and form") {
        int cells = 0;
        const auto source = [](journal& notes, ending how, ending second) {
            return scripted_items(notes, "in", how, futures(notes, second));
        };
        cells += check_stream_row(
            {.name = "buffered",
             .value = "in1 f1 ~f1 in2 f2 ~f2 [1] in3 f3 ~f3 [2] in$ [3] [end] [end] ~in",
             .error = "in1 f1 ~f1 in2 [e2] in3 f3 ~f3 [1] in$ [3] [end] [end] ~in",
             .pending_value = "in1 f1 ~f1 in2 [1] in2 [..] in2 f2 ~f2 in3 f3 ~f3 [2] in$ [3] [end] [end] ~in",
             .pending_error = "in1 f1 ~f1 in2 [1] in2 [..] in2 [e2] in3 f3 ~f3 in$ [3] [end] [end] ~in",
             .never = "in1 f1 ~f1 in2 [1] in2 [..] ~in",
             .ends = 2},
            [&](journal& notes, ending how) { return pollux::buffered(source(notes, how, ending::value), 2); });
        cells += check_stream_row(
            {.name = "buffered, future",
             .value = "in1 f1 ~f1 in2 f2 ~f2 [1] in3 f3 ~f3 [2] in$ [3] [end] [end] ~in",
             .error = "in1 f1 ~f1 in2 f2 ~f2 [1] in3 f3 ~f3 [e2] in$ [3] [end] [end] ~in",
             .exception = "in1 f1 ~f1 in2 f2 ~f2 [thrown] ~in",
             .pending_value = "in1 f1 ~f1 in2 f2 [1] in3 f3 ~f3 [..] f2 ~f2 [2] in$ [3] [end] [end] ~in",
             .pending_error = "in1 f1 ~f1 in2 f2 [1] in3 f3 ~f3 [..] f2 ~f2 [e2] in$ [3] [end] [end] ~in",
             .never = "in1 f1 ~f1 in2 f2 [1] in3 f3 ~f3 [..] ~f2 ~in",
             .before = "~in",
             .while_pending = "~f2 ~in",
             .mark = "f2",
             .ends = 2},
            [&](journal& notes, ending how) { return pollux::buffered(source(notes, ending::value, how), 2); });
        cells += check_stream_row(
            {.name = "buffer_unordered",
             .value = "in1 in2 f1 ~f1 [1] in3 f2 ~f2 [2] in$ f3 ~f3 [3] [end] [end] ~in",
             .error = "in1 in2 [e2] in3 f1 ~f1 [1] in$ f3 ~f3 [3] [end] [end] ~in",
             .exception = "in1 in2 ~f1 [thrown] ~in",
             .pending_value = "in1 in2 f1 ~f1 [1] in2 [..] in2 in3 f2 ~f2 [2] in$ f3 ~f3 [3] [end] [end] ~in",
             .pending_error = "in1 in2 f1 ~f1 [1] in2 [..] in2 [e2] in3 in$ f3 ~f3 [3] [end] [end] ~in",
             .never = "in1 in2 f1 ~f1 [1] in2 [..] ~in",
             .between = "~f2 ~in",
             .between_error = "~f1 ~in",
             .ends = 2},
            [&](journal& notes, ending how) { return pollux::buffer_unordered(source(notes, how, ending::value), 2); });
        cells += check_stream_row(
            {.name = "buffer_unordered, future",
             .value = "in1 in2 f1 ~f1 [1] in3 f2 ~f2 [2] in$ f3 ~f3 [3] [end] [end] ~in",
             .error = "in1 in2 f1 ~f1 [1] in3 f2 ~f2 [e2] in$ f3 ~f3 [3] [end] [end] ~in",
             .exception = "in1 in2 f1 ~f1 [1] in3 f2 ~f2 ~f3 [thrown] ~in",
             .pending_value = "in1 in2 f1 ~f1 [1] in3 f2 f3 ~f3 [3] in$ [..] f2 ~f2 [2] [end] [end] ~in",
             .pending_error = "in1 in2 f1 ~f1 [1] in3 f2 f3 ~f3 [3] in$ [..] f2 ~f2 [e2] [end] [end] ~in",
             .never = "in1 in2 f1 ~f1 [1] in3 f2 f3 ~f3 [3] in$ [..] ~f2 ~in",
             .while_pending = "~f2 ~in",
             .between = "~f3 ~in",
             .mark = "f2",
             .ends = 2},
            [&](journal& notes, ending how) { return pollux::buffer_unordered(source(notes, ending::value, how), 2); });
        cells += check_both({.name = "for_each_concurrent",
                             .value = "in1 fn f1 ~f1 in2 fn f2 ~f2 in3 fn f3 ~f3 in$ [void] ~in ~fn",
                             .error = "in1 fn f1 ~f1 in2 [e2] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 in2 [thrown] ~in ~fn",
                             .pending_value = "in1 fn f1 ~f1 in2 [..] in2 fn f2 ~f2 in3 fn f3 ~f3 in$ [void] ~in ~fn",
                             .pending_error = "in1 fn f1 ~f1 in2 [..] in2 [e2] ~in ~fn",
                             .never = "in1 fn f1 ~f1 in2 [..] ~in ~fn"},
                            {.name = "for_each_concurrent, future",
                             .value = "in1 fn f1 ~f1 in2 fn f2 ~f2 in3 fn f3 ~f3 in$ [void] ~in ~fn",
                             .error = "in1 fn f1 ~f1 in2 fn f2 ~f2 [e2] ~in ~fn",
                             .exception = "in1 fn f1 ~f1 in2 fn f2 ~f2 [thrown] ~in ~fn",
                             .pending_value = "in1 fn f1 ~f1 in2 fn f2 in3 fn f3 ~f3 in$ [..] f2 ~f2 [void] ~in ~fn",
                             .pending_error = "in1 fn f1 ~f1 in2 fn f2 in3 fn f3 ~f3 in$ [..] f2 ~f2 [e2] ~in ~fn",
                             .never = "in1 fn f1 ~f1 in2 fn f2 in3 fn f3 ~f3 in$ [..] ~f2 ~in ~fn",
                             .while_pending = "~f2 ~in ~fn",
                             .mark = "f2"},
                            [](journal& notes, items in, ending second) {
                                return pollux::for_each_concurrent(std::move(in), 2, future_of<void>(notes, second));
                            });
        std::printf("truth table of streams, two futures at a time: %d cells\n", cells);
        CHECK(cells == 6 * cells_of_a_row);
    }

    TEST_CASE("take_until, for every ending of the source and of the future, drop and form") {
        int cells = 0;
        cells += check_stream_row(
            {.name = "take_until",
             .value = "f1 in1 [1] f1 in2 [2] f1 in3 [3] f1 in$ ~f1 [end] [end] ~in",
             .error = "f1 in1 [1] f1 in2 [e2] f1 in3 [3] f1 in$ ~f1 [end] [end] ~in",
             .exception = "f1 in1 [1] f1 in2 [thrown] ~f1 ~in",
             .pending_value = "f1 in1 [1] f1 in2 [..] f1 in2 [2] f1 in3 [3] f1 in$ ~f1 [end] [end] ~in",
             .pending_error = "f1 in1 [1] f1 in2 [..] f1 in2 [e2] f1 in3 [3] f1 in$ ~f1 [end] [end] ~in",
             .before = "~f1 ~in",
             .while_pending = "~f1 ~in",
             .between = "~f1 ~in",
             .ends = 2},
            [](journal& notes, ending how) {
                return pollux::take_until(items_in(notes, how), scripted<>(notes, "f1", ending::never));
            });
        cells += check_stream_row({.name = "take_until, future",
                                   .value = "f2 ~f2 [end] [end] ~in",
                                   .error = "f2 ~f2 [e2] [end] [end] ~in",
                                   .exception = "f2 ~f2 [thrown] ~in",
                                   // The future waits, the source does not.
                                   .pending_value = "f2 in1 [1] f2 ~f2 [end] [end] ~in",
                                   .pending_error = "f2 in1 [1] f2 ~f2 [e2] [end] [end] ~in",
                                   .never = "f2 in1 [1] f2 in2 [2] f2 in3 [3] f2 in$ ~f2 [end] [end] ~in",
                                   .before = "~f2 ~in",
                                   .while_pending = "~f2 ~in",
                                   .mark = "f2",
                                   .ends = 2},
                                  [](journal& notes, ending how) {
                                      return pollux::take_until(items_in(notes, ending::value), futures(notes, how)(2));
                                  });
        std::printf("truth table of streams, take_until: %d cells\n", cells);
        CHECK(cells == 2 * cells_of_a_row);
    }
}

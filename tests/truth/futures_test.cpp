// SPDX-License-Identifier: MIT
// The truth table of the combinators of one future.
#include <doctest/doctest.h>

#include <cstdio>
#include <expected>
#include <utility>

#include "pollux/future/and_then.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/catch_exception.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/or_else.hpp"
#include "pollux/future/then.hpp"
#include "truth/future_cells.hpp"

namespace {

using pollux::test::check_future_row;
using pollux::test::ending;
using pollux::test::journal;
using pollux::test::noting;
using pollux::test::problem;
using pollux::test::scripted;
using pollux::test::thing;

using input = scripted<>;

// Callables, by what they return.
auto plus_ten(journal& notes) {
    return noting(notes, "fn", [](thing t) { return thing(t.where(), t.number() + 10); });
}
auto next_of(journal& notes) {
    return noting(notes, "fn", [&notes](const auto&) { return scripted<>(notes, "next", ending::value, 2); });
}

}  // namespace

TEST_SUITE("truth/futures") {
    TEST_CASE("every combinator of one future, for every ending, drop and form") {
        int cells = 0;
        cells += check_future_row({.name = "map",
                                   .before = "~in ~fn",
                                   .during = "in ~in ~fn",
                                   .value = "in fn | ~in ~fn",
                                   .error = "in | ~in ~fn",
                                   .exception = "in | ~in ~fn",
                                   .value_result = "11",
                                   .error_result = "e1"},
                                  [](journal& notes, input in) { return pollux::map(std::move(in), plus_ten(notes)); });
        cells += check_future_row({.name = "map_err",
                                   .before = "~in ~fn",
                                   .during = "in ~in ~fn",
                                   .value = "in | ~in ~fn",
                                   .error = "in fn | ~in ~fn",
                                   .exception = "in | ~in ~fn",
                                   .value_result = "1",
                                   .error_result = "e21"},
                                  [](journal& notes, input in) {
                                      return pollux::map_err(std::move(in), noting(notes, "fn", [](problem p) {
                                                                 return problem(p.where(), p.number() + 20);
                                                             }));
                                  });
        cells +=
            check_future_row({.name = "and_then",
                              .before = "~in ~fn",
                              .during = "in ~in ~fn",
                              .value = "in ~in fn next | ~next ~fn",
                              .error = "in | ~in ~fn",
                              .exception = "in | ~in ~fn",
                              .value_result = "2",
                              .error_result = "e1"},
                             [](journal& notes, input in) { return pollux::and_then(std::move(in), next_of(notes)); });
        cells +=
            check_future_row({.name = "or_else",
                              .before = "~in ~fn",
                              .during = "in ~in ~fn",
                              .value = "in | ~in ~fn",
                              .error = "in ~in fn next | ~next ~fn",
                              .exception = "in | ~in ~fn",
                              .value_result = "1",
                              .error_result = "2"},
                             [](journal& notes, input in) { return pollux::or_else(std::move(in), next_of(notes)); });
        cells += check_future_row({.name = "then",
                                   .before = "~in ~fn",
                                   .during = "in ~in ~fn",
                                   .value = "in ~in fn next | ~next ~fn",
                                   .error = "in ~in fn next | ~next ~fn",
                                   .exception = "in | ~in ~fn",
                                   .value_result = "2",
                                   .error_result = "2"},
                                  [](journal& notes, input in) { return pollux::then(std::move(in), next_of(notes)); });
        cells += check_future_row({.name = "boxed",
                                   .before = "~in",
                                   .during = "in ~in",
                                   .value = "in | ~in",
                                   .error = "in | ~in",
                                   .exception = "in | ~in",
                                   .value_result = "1",
                                   .error_result = "e1"},
                                  [](journal&, input in) { return pollux::boxed(std::move(in)); });
        cells += check_future_row({.name = "catch_exception",
                                   .before = "~in",
                                   .during = "in ~in",
                                   .value = "in | ~in",
                                   .error = "in | ~in",
                                   .exception = "in | ~in",
                                   .value_result = "1",
                                   .error_result = "e1",
                                   .exception_result = "exception"},
                                  [](journal&, input in) { return pollux::catch_exception(std::move(in)); });
        std::printf("truth table of futures: %d cells\n", cells);
        CHECK(cells == 7 * 54);
    }
}

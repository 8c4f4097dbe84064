// SPDX-License-Identifier: MIT
// The truth table of the sources of futures: they have no input, so what is left is the drop and the form.
#include <doctest/doctest.h>

#include <cstdio>
#include <expected>
#include <stdexcept>
#include <utility>

#include "pollux/future/lazy.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "truth/future_cells.hpp"

namespace {

using pollux::test::check_source_row;
using pollux::test::ending;
using pollux::test::journal;
using pollux::test::noting;
using pollux::test::problem;
using pollux::test::scripted;
using pollux::test::source_row;
using pollux::test::thing;

}  // namespace

TEST_SUITE("truth/sources") {
    TEST_CASE("every source of a future, for every drop and form") {
        int cells = 0;
        int rows = 0;
        const auto check = [&](const source_row& row, auto make) {
            cells += check_source_row(row, make);
            ++rows;
        };
        check({.name = "ready", .before = "", .polled = "|", .result = "1"},
              [](journal& notes) { return pollux::ready(thing(notes, 1)); });
        check({.name = "ready, of nothing", .before = "", .polled = "|", .result = "void"},
              [](journal&) { return pollux::ready(); });
        check({.name = "fail", .before = "", .polled = "|", .result = "e1"},
              [](journal& notes) { return pollux::fail(problem(notes, 1)); });
        check({.name = "fail<T>", .before = "", .polled = "|", .result = "e1"},
              [](journal& notes) { return pollux::fail<thing>(problem(notes, 1)); });
        check({.name = "from_result, a value", .before = "", .polled = "|", .result = "1"},
              [](journal& notes) { return pollux::from_result(std::expected<thing, problem>(thing(notes, 1))); });
        check({.name = "from_result, nothing", .before = "", .polled = "|", .result = "void"},
              [](journal&) { return pollux::from_result(std::expected<void, problem>()); });
        check({.name = "from_result, an error", .before = "", .polled = "|", .result = "e1"}, [](journal& notes) {
            return pollux::from_result(std::expected<thing, problem>(std::unexpect, problem(notes, 1)));
        });
        check({.name = "never_ready", .before = "", .polled = "", .result = "pending"},
              [](journal&) { return pollux::never_ready(); });
        check({.name = "never_ready<T, E>", .before = "", .polled = "", .result = "pending"},
              [](journal&) { return pollux::never_ready<thing, problem>(); });

        const auto lazily = [](journal& notes, auto fn) { return pollux::lazy(noting(notes, "fn", std::move(fn))); };
        check({.name = "lazy, of a value", .before = "~fn", .polled = "fn | ~fn", .result = "1"},
              [=](journal& notes) { return lazily(notes, [&notes] { return thing(notes, 1); }); });
        check({.name = "lazy, of nothing", .before = "~fn", .polled = "fn | ~fn", .result = "void"},
              [=](journal& notes) { return lazily(notes, [] {}); });
        check({.name = "lazy, of an error", .before = "~fn", .polled = "fn | ~fn", .result = "e1"},
              [=](journal& notes) {
                  return lazily(notes,
                                [&notes] { return std::expected<thing, problem>(std::unexpect, problem(notes, 1)); });
              });
        const auto lazily_into = [=](ending how) {
            return [=](journal& notes) {
                return lazily(notes, [&notes, how] { return scripted<>(notes, "next", how, 2); });
            };
        };
        check({.name = "lazy, of a future", .before = "~fn", .polled = "fn next | ~next ~fn", .result = "2"},
              lazily_into(ending::value));
        check({.name = "lazy, of one that fails", .before = "~fn", .polled = "fn next | ~next ~fn", .result = "e2"},
              lazily_into(ending::error));
        check(
            {.name = "lazy, of one that throws", .before = "~fn", .polled = "fn next | ~next ~fn", .result = "thrown"},
            lazily_into(ending::exception));
        check({.name = "lazy, of one without end", .before = "~fn", .polled = "fn next ~next ~fn", .result = "pending"},
              lazily_into(ending::never));
        check({.name = "lazy, throwing", .before = "~fn", .polled = "fn | ~fn", .result = "thrown"},
              [=](journal& notes) { return lazily(notes, []() -> int { throw std::runtime_error("thrown"); }); });

        const auto polling = [](journal& notes, auto fn) {
            return pollux::poll_fn(noting(notes, "fn", [fn, &notes](pollux::context&) { return fn(notes); }));
        };
        using answer = pollux::polled<thing, problem>;
        check({.name = "poll_fn, a value", .before = "~fn", .polled = "fn | ~fn", .result = "1"},
              [=](journal& notes) { return polling(notes, [](journal& where) { return answer(thing(where, 1)); }); });
        check({.name = "poll_fn, an error", .before = "~fn", .polled = "fn | ~fn", .result = "e1"},
              [=](journal& notes) {
                  return polling(notes, [](journal& where) { return answer(std::unexpected(problem(where, 1))); });
              });
        check({.name = "poll_fn, pending", .before = "~fn", .polled = "fn ~fn", .result = "pending"},
              [=](journal& notes) { return polling(notes, [](journal&) { return answer(pollux::pending); }); });
        check({.name = "poll_fn, throwing", .before = "~fn", .polled = "fn | ~fn", .result = "thrown"},
              [=](journal& notes) {
                  return polling(notes, [](journal&) -> answer { throw std::runtime_error("thrown"); });
              });
        std::printf("truth table of sources: %d cells\n", cells);
        CHECK(rows == 21);
        CHECK(cells == rows * 3 * 4);
    }
}

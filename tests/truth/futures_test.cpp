// SPDX-License-Identifier: MIT
// The truth table of the combinators of one future.
#include <doctest/doctest.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

#include "pollux/future/and_then.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/catch_exception.hpp"
#include "pollux/future/flatten.hpp"
#include "pollux/future/from_err.hpp"
#include "pollux/future/fuse.hpp"
#include "pollux/future/inspect.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/or_else.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/future/shared.hpp"
#include "pollux/future/then.hpp"
#include "pollux/future/unwrap_or_else.hpp"
#include "truth/future_cells.hpp"

namespace pollux::test {

// What from_err makes of a problem.
struct wider_problem {
    wider_problem(problem p) noexcept : narrow(std::move(p)) {}
    problem narrow;
};
inline std::string shown(const wider_problem& p) { return "wider " + shown(p.narrow); }

}  // namespace pollux::test

namespace {

using pollux::test::check_future_row;
using pollux::test::ending;
using pollux::test::future_row;
using pollux::test::journal;
using pollux::test::noting;
using pollux::test::problem;
using pollux::test::scripted;
using pollux::test::thing;

using input = scripted<>;
constexpr int cells_of_a_row = 6 * 3 * 4;

// Callables, by what they return.
auto plus_ten(journal& notes) {
    return noting(notes, "fn", [](thing t) { return thing(t.where(), t.number() + 10); });
}
auto value_of(journal& notes) {
    return noting(notes, "fn", [](problem p) { return thing(p.where(), p.number() + 30); });
}
auto nothing_of(journal& notes) {
    return noting(notes, "fn", [](const auto&...) {});
}
auto next_of(journal& notes, ending how = ending::value) {
    return noting(notes, "fn", [&notes, how](const auto&...) { return scripted<>(notes, "next", how, 2); });
}
auto thrower(journal& notes) {
    return noting(notes, "fn", [](const auto&...) -> scripted<> { throw std::runtime_error("thrown"); });
}

// For an input with several owners, each of which polls it: ready only after an event. Its waker is that of all owners, and needs no
// renewal.
class once_an_event {
public:
    using value_type = thing;
    using error_type = problem;

    once_an_event(journal& notes, input in) : in_(std::move(in)), notes_(&notes) {}
    pollux::polled<thing, problem> poll(pollux::context& cx) {
        if (std::exchange(polled_at_, notes_->fired) == notes_->fired) return pollux::pending;
        return in_.poll(cx);
    }

private:
    input in_;
    journal* notes_;
    int polled_at_ = -1;
};

// Rows that several combinators have in common.
constexpr future_row only_on(const char* name, bool calls_for_value, bool calls_for_error) {
    return {.name = name,
            .before = "~in ~fn",
            .during = "in ~in ~fn",
            .value = calls_for_value ? "in ~in fn | ~fn" : "in ~in | ~fn",
            .error = calls_for_error ? "in ~in fn | ~fn" : "in ~in | ~fn",
            .exception = "in | ~in ~fn",
            .value_result = "1",
            .error_result = "e1"};
}
constexpr future_row into(const char* name, bool calls_for_value, bool calls_for_error, const char* journal_when_called,
                          const char* result_when_called) {
    future_row row = only_on(name, false, false);
    if (calls_for_value) {
        row.value = journal_when_called;
        row.value_result = result_when_called;
    }
    if (calls_for_error) {
        row.error = journal_when_called;
        row.error_result = result_when_called;
    }
    return row;
}
constexpr future_row uncalled(const char* name) {
    return {.name = name,
            .before = "~in",
            .during = "in ~in",
            .value = "in | ~in",
            .error = "in | ~in",
            .exception = "in | ~in",
            .value_result = "1",
            .error_result = "e1"};
}
constexpr future_row at_once(const char* name) {
    future_row row = uncalled(name);
    row.value = "in ~in |";
    row.error = "in ~in |";
    row.exception = "in ~in |";
    return row;
}
constexpr future_row giving(future_row row, const char* value_result, const char* error_result) {
    row.value_result = value_result;
    row.error_result = error_result;
    return row;
}

}  // namespace

TEST_SUITE("truth/futures") {
    TEST_CASE("every combinator of one future, for every ending, drop and form") {
        int cells = 0;
        int rows = 0;
        const auto check = [&](const future_row& row, auto make) {
            cells += check_future_row(row, make);
            ++rows;
        };
        check(giving(only_on("map", true, false), "11", "e1"),
              [](journal& notes, input in) { return pollux::map(std::move(in), plus_ten(notes)); });
        check(giving(only_on("map, to nothing", true, false), "void", "e1"),
              [](journal& notes, input in) { return pollux::map(std::move(in), nothing_of(notes)); });
        check(giving(only_on("map_err", false, true), "1", "e21"), [](journal& notes, input in) {
            return pollux::map_err(std::move(in),
                                   noting(notes, "fn", [](problem p) { return problem(p.where(), p.number() + 20); }));
        });
        check(only_on("inspect", true, false),
              [](journal& notes, input in) { return pollux::inspect(std::move(in), nothing_of(notes)); });
        check(only_on("inspect_err", false, true),
              [](journal& notes, input in) { return pollux::inspect_err(std::move(in), nothing_of(notes)); });
        check(giving(only_on("unwrap_or_else", false, true), "1", "31"),
              [](journal& notes, input in) { return pollux::unwrap_or_else(std::move(in), value_of(notes)); });
        check(giving(uncalled("from_err"), "1", "wider e1"),
              [](journal&, input in) { return pollux::from_err<pollux::test::wider_problem>(std::move(in)); });
        check(uncalled("boxed"), [](journal&, input in) { return pollux::boxed(std::move(in)); });
        future_row catching = uncalled("catch_exception");
        catching.exception_result = "exception";
        check(catching, [](journal&, input in) { return pollux::catch_exception(std::move(in)); });
        future_row fused = at_once("fuse");
        fused.goes_on = true;
        check(fused, [](journal&, input in) { return pollux::fuse(std::move(in)); });
        check(at_once("shared"), [](journal&, input in) { return pollux::shared(std::move(in)); });
        const future_row of_two_owners = {.name = "shared, of two owners",
                                          .before = "~second ~in ~first",
                                          .during = "in ~second ~in ~first",
                                          .value = "in ~in first ~first second ~second |",
                                          .error = "in ~in first ~first second ~second |",
                                          .exception = "in ~in first ~first second ~second |",
                                          .value_result = "(1,1)",
                                          .error_result = "(e1,e1)",
                                          .exception_result = "(exception,exception)",
                                          .copies = 1,
                                          .wakes = 2};
        check(of_two_owners, [](journal& notes, input in) {
            const auto one_of = [&notes](auto owner, const char* name) {
                auto fn = noting(notes, name, [](auto result) { return pollux::ready(std::move(result)); });
                return pollux::then(pollux::catch_exception(std::move(owner)), std::move(fn));
            };
            auto owner = pollux::shared(once_an_event(notes, std::move(in)));
            auto other = owner;
            return pollux::join(one_of(std::move(owner), "first"), one_of(std::move(other), "second"));
        });
        std::printf("truth table of futures: %d cells\n", cells);
        CHECK(rows == 12);
        CHECK(cells == rows * cells_of_a_row);
    }

    TEST_CASE("every combinator that goes on into a second future: it ends, it never ends, it is not made") {
        int cells = 0;
        int rows = 0;
        // `make(notes, input, callable)`.
        const auto check = [&](const char* name, bool calls_for_value, bool calls_for_error, auto make) {
            cells += check_future_row(into(name, calls_for_value, calls_for_error, "in ~in fn next | ~next ~fn", "2"),
                                      [&](journal& notes, input in) { return make(std::move(in), next_of(notes)); });
            cells += check_future_row(
                into(name, calls_for_value, calls_for_error, "in ~in fn next ~next ~fn", "pending"),
                [&](journal& notes, input in) { return make(std::move(in), next_of(notes, ending::never)); });
            cells += check_future_row(into(name, calls_for_value, calls_for_error, "in ~in fn | ~fn", "thrown"),
                                      [&](journal& notes, input in) { return make(std::move(in), thrower(notes)); });
            rows += 3;
        };
        check("and_then", true, false, [](auto in, auto fn) { return pollux::and_then(std::move(in), std::move(fn)); });
        check("or_else", false, true, [](auto in, auto fn) { return pollux::or_else(std::move(in), std::move(fn)); });
        check("then", true, true, [](auto in, auto fn) { return pollux::then(std::move(in), std::move(fn)); });
        // flatten has no callable: that of the map below it makes its second future, and stays for that may point into it.
        for (const ending second : {ending::value, ending::never}) {
            const bool ends = second == ending::value;
            future_row row =
                into("flatten", true, false, ends ? "in ~in fn next | ~next ~fn" : "in ~in fn next ~next ~fn",
                     ends ? "2" : "pending");
            row.error = "in ~in ~fn |";
            cells += check_future_row(row, [second](journal& notes, input in) {
                return pollux::flatten(pollux::map(std::move(in), next_of(notes, second)));
            });
            ++rows;
        }
        std::printf("truth table of futures with a second one: %d cells\n", cells);
        CHECK(rows == 11);
        CHECK(cells == rows * cells_of_a_row);
    }

    TEST_CASE("every combinator whose callable throws: out of the poll, and nothing else happens") {
        int cells = 0;
        int rows = 0;
        const auto check = [&](const char* name, bool calls_for_value, auto make) {
            const future_row row = into(name, calls_for_value, !calls_for_value, "in ~in fn | ~fn", "thrown");
            cells += check_future_row(row, make);
            ++rows;
        };
        const auto throwing = [](journal& notes, auto returned) {
            return noting(notes, "fn",
                          [](const auto&...) -> decltype(returned) { throw std::runtime_error("thrown"); });
        };
        check("map", true, [=](journal& notes, input in) { return pollux::map(std::move(in), throwing(notes, 1)); });
        check("map_err", false,
              [=](journal& notes, input in) { return pollux::map_err(std::move(in), throwing(notes, 1)); });
        check("inspect", true,
              [=](journal& notes, input in) { return pollux::inspect(std::move(in), throwing(notes, 1)); });
        check("inspect_err", false,
              [=](journal& notes, input in) { return pollux::inspect_err(std::move(in), throwing(notes, 1)); });
        check("unwrap_or_else", false, [=](journal& notes, input in) {
            return pollux::unwrap_or_else(std::move(in), throwing(notes, thing(notes, 0)));
        });
        std::printf("truth table of futures whose callable throws: %d cells\n", cells);
        CHECK(rows == 5);
        CHECK(cells == rows * cells_of_a_row);
    }

    TEST_CASE("every combinator of one future of nothing") {
        int cells = 0;
        int rows = 0;
        const auto check = [&](const future_row& row, auto make) {
            cells += check_future_row<void>(row, make);
            ++rows;
        };
        const auto of_nothing = [](future_row row) { return giving(row, "void", "e1"); };
        check(giving(only_on("map", true, false), "7", "e1"), [](journal& notes, scripted<void> in) {
            return pollux::map(std::move(in), noting(notes, "fn", [] { return 7; }));
        });
        check(of_nothing(only_on("inspect", true, false)),
              [](journal& notes, scripted<void> in) { return pollux::inspect(std::move(in), nothing_of(notes)); });
        check(giving(only_on("unwrap_or_else", false, true), "void", "void"), [](journal& notes, scripted<void> in) {
            return pollux::unwrap_or_else(std::move(in), nothing_of(notes));
        });
        check(of_nothing(uncalled("boxed")), [](journal&, scripted<void> in) { return pollux::boxed(std::move(in)); });
        check(of_nothing(at_once("fuse")), [](journal&, scripted<void> in) { return pollux::fuse(std::move(in)); });
        check(of_nothing(at_once("shared")), [](journal&, scripted<void> in) { return pollux::shared(std::move(in)); });
        const char* const on = "in ~in fn next | ~next ~fn";
        check(into("and_then", true, false, on, "2"),
              [](journal& notes, scripted<void> in) { return pollux::and_then(std::move(in), next_of(notes)); });
        check(into("then", true, true, on, "2"),
              [](journal& notes, scripted<void> in) { return pollux::then(std::move(in), next_of(notes)); });
        std::printf("truth table of futures of nothing: %d cells\n", cells);
        CHECK(rows == 8);
        CHECK(cells == rows * cells_of_a_row);
    }
}

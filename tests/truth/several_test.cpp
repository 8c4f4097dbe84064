// SPDX-License-Identifier: MIT
// The truth table of several futures at the same time.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/join_all.hpp"
#include "pollux/future/race.hpp"
#include "pollux/future/select.hpp"
#include "pollux/future/select_all.hpp"
#include "pollux/future/try_join.hpp"
#include "truth/several_cells.hpp"

namespace pollux::test {

// Which, what, and how many are left.
template <class F>
std::string shown(const selected<F>& each) {
    return std::to_string(each.index) + ":" + shown(each.value) + "+" + std::to_string(each.rest.size());
}

}  // namespace pollux::test

namespace {

using pollux::by_ref;
using pollux::test::check_several;
using pollux::test::child_future;
using pollux::test::several_outcomes;
using until = pollux::test::several_rule::until;

using outcomes = const several_outcomes&;

// Each pair of endings: before, during and after, the two that wait both in four orders, in four forms.
constexpr int cells_of_a_rule = (36 * 3 + 4 * 3) * 4;

std::vector<child_future> range_of(child_future a, child_future b) {
    std::vector<child_future> both;
    both.push_back(std::move(a));
    both.push_back(std::move(b));
    return both;
}

std::string shown_tuple(outcomes all) { return "(" + all.of[0] + "," + all.of[1] + ")"; }
std::string shown_vector(outcomes all) { return "[" + all.of[0] + "," + all.of[1] + "]"; }
std::string shown_last(outcomes all) { return all.of[all.last]; }
std::string shown_index(outcomes all) { return std::to_string(all.last) + ":" + all.of[all.last]; }
std::string shown_selected(outcomes all) { return shown_index(all) + "+" + std::to_string(all.left); }

}  // namespace

TEST_SUITE("truth/several") {
    TEST_CASE("every combinator of several futures, for every pair of endings, order of events, drop and form") {
        int cells = 0;
        const auto check = [&cells](const pollux::test::several_rule& rule, auto make) {
            const int run = check_several(rule, make);
            CHECK(run == cells_of_a_rule);
            cells += run;
        };
        check({.name = "join", .ends = until::all, .is_range = false, .shown = shown_tuple},
              [](child_future& a, child_future& b) { return pollux::join(std::move(a), std::move(b)); });
        check({.name = "try_join", .ends = until::all_or_error, .is_range = false, .shown = shown_tuple},
              [](child_future& a, child_future& b) { return pollux::try_join(std::move(a), std::move(b)); });
        check({.name = "select", .ends = until::first, .is_range = false, .shown = shown_index, .keeps_ended = true},
              [](child_future& a, child_future& b) { return pollux::select(std::move(a), std::move(b)); });
        check({.name = "race", .ends = until::first, .is_range = false, .shown = shown_last, .keeps_ended = true},
              [](child_future& a, child_future& b) { return pollux::race(std::move(a), std::move(b)); });
        check({.name = "join_all", .ends = until::all, .is_range = true, .shown = shown_vector},
              [](child_future& a, child_future& b) { return pollux::join_all(range_of(std::move(a), std::move(b))); });
        check({.name = "try_join_all", .ends = until::all_or_error, .is_range = true, .shown = shown_vector},
              [](child_future& a, child_future& b) {
                  return pollux::try_join_all(range_of(std::move(a), std::move(b)));
              });
        check(
            {.name = "select_all", .ends = until::first, .is_range = true, .shown = shown_selected, .gives_rest = true},
            [](child_future& a, child_future& b) { return pollux::select_all(range_of(std::move(a), std::move(b))); });
        check({.name = "select_ok",
               .ends = until::first_value,
               .is_range = true,
               .shown = shown_selected,
               .gives_rest = true},
              [](child_future& a, child_future& b) { return pollux::select_ok(range_of(std::move(a), std::move(b))); });
        check({.name = "join, lent", .ends = until::all, .is_range = false, .shown = shown_tuple, .are_lent = true},
              [](child_future& a, child_future& b) { return pollux::join(by_ref(a), by_ref(b)); });
        check({.name = "try_join, lent",
               .ends = until::all_or_error,
               .is_range = false,
               .shown = shown_tuple,
               .are_lent = true},
              [](child_future& a, child_future& b) { return pollux::try_join(by_ref(a), by_ref(b)); });
        check({.name = "select, lent", .ends = until::first, .is_range = false, .shown = shown_index, .are_lent = true},
              [](child_future& a, child_future& b) { return pollux::select(by_ref(a), by_ref(b)); });
        check({.name = "race, lent", .ends = until::first, .is_range = false, .shown = shown_last, .are_lent = true},
              [](child_future& a, child_future& b) { return pollux::race(by_ref(a), by_ref(b)); });
        std::printf("truth table of several futures: %d cells\n", cells);
    }
}

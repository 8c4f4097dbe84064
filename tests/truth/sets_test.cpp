// SPDX-License-Identifier: MIT
// The truth table of the sets of futures and streams.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdio>
#include <utility>

#include "pollux/stream/futures_ordered.hpp"
#include "pollux/stream/futures_unordered.hpp"
#include "pollux/stream/stream_map.hpp"
#include "truth/sets_cells.hpp"

namespace {

using pollux::test::check_set;
using pollux::test::child_future;
using pollux::test::child_stream;
using pollux::test::set_kind;

// Each pair of endings, as in the table of several futures, and each ending alone; in four forms.
constexpr int cells_of_a_set = (36 * 3 + 4 * 3 + 6 * 3) * 4;

}  // namespace

TEST_SUITE("truth/sets") {
    TEST_CASE("every set, for one and two children, every ending, order of events, drop and form") {
        int cells = 0;
        const auto count = [&cells](int run) {
            CHECK(run == cells_of_a_set);
            cells += run;
        };
        const auto push = [](auto& set, std::size_t, child_future child) { set.push(std::move(child)); };
        const auto insert = [](auto& map, std::size_t index, child_stream child) {
            map.insert(static_cast<int>(index), std::move(child));
        };
        count(check_set<pollux::futures_unordered<child_future>, child_future>("futures_unordered", set_kind::unordered,
                                                                               push));
        count(
            check_set<pollux::futures_ordered<child_future>, child_future>("futures_ordered", set_kind::ordered, push));
        count(check_set<pollux::stream_map<int, child_stream>, child_stream>("stream_map", set_kind::map, insert));
        std::printf("truth table of sets: %d cells\n", cells);
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/stream/iter.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <ranges>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/stream/boxed.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"

namespace {

using pollux::test::drain;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("stream/iter") {
    TEST_CASE("iter: gives the elements in order, then the end, and the end again") {
        auto source = pollux::iter(std::vector{1, 2, 3});
        CHECK(assert_ready(poll_once(source)) == 1);
        CHECK(assert_ready(poll_once(source)) == 2);
        CHECK(assert_ready(poll_once(source)) == 3);
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).has_value());
    }

    TEST_CASE("iter: moves out of a range that it owns") {
        std::vector<std::unique_ptr<int>> owned;
        owned.push_back(std::make_unique<int>(5));
        auto source = pollux::iter(std::move(owned));
        auto item = assert_ready(poll_once(source));
        REQUIRE(item.has_value());
        CHECK(**item == 5);
    }

    TEST_CASE("iter: leaves an lvalue and what a view shows as they are") {
        const std::vector<std::string> names{"one", "two"};
        auto of_copy = pollux::iter(names);
        CHECK(drain(of_copy) == names);
        std::vector<std::string> shown = names;
        auto of_view = pollux::iter(std::span(shown));
        CHECK(drain(of_view) == names);
        auto of_all = pollux::iter(std::views::all(shown));
        CHECK(drain(of_all) == names);
        CHECK(shown == names);
    }

    TEST_CASE("iter: takes braces, arrays, computed and single-pass ranges") {
        auto braces = pollux::iter({1, 2});
        CHECK(drain(braces) == std::vector{1, 2});
        const int array[] = {3, 4};
        auto of_array = pollux::iter(array);
        CHECK(drain(of_array) == std::vector{3, 4});
        auto squares = pollux::iter(std::views::iota(1, 4) | std::views::transform([](int n) { return n * n; }));
        CHECK(drain(squares) == std::vector{1, 4, 9});
        std::istringstream text("7 8");
        auto words = pollux::iter(std::views::istream<int>(text));
        CHECK(drain(words) == std::vector{7, 8});
        auto empty = pollux::iter(std::vector<int>());
        CHECK(drain(empty).empty());
    }

    TEST_CASE("iter: may be moved before its first poll, and is refused with a message after it") {
        auto source = pollux::iter({1, 2});
        auto moved = std::move(source);
        CHECK(assert_ready(poll_once(moved)) == 1);
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: iter: moved or copied after its first poll; "));
    }

    TEST_CASE("iter: over a view that is two iterators it may be moved between two items") {
        const std::vector<int> numbers{1, 2, 3};
        auto of_span = pollux::iter(std::span(numbers));
        CHECK(assert_ready(poll_once(of_span)) == 1);
        auto moved = std::move(of_span);
        CHECK(pollux::test::drain(moved) == std::vector{2, 3});
        auto of_iota = pollux::iter(std::views::iota(5, 7));
        CHECK(pollux::test::drain(of_iota) == std::vector{5, 6});
        auto of_text = pollux::iter(std::string_view("ab"));
        CHECK(pollux::test::drain(of_text) == std::vector{'a', 'b'});
        auto empty = pollux::iter(std::span<const int>());
        CHECK(pollux::test::drain(empty).empty());
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/core/polled.hpp"

#include <doctest/doctest.h>

#include <any>
#include <array>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using pollux::never;
using pollux::outcome;
using pollux::pending;
using pollux::polled;
using pollux::unit;

// Throws when it is copied or moved, on demand.
struct explosive {
    explicit explosive(bool armed) : is_armed(armed) {}
    explosive(const explosive& other) : is_armed(other.is_armed) {
        if (is_armed) throw std::runtime_error("copied");
    }
    explosive& operator=(const explosive&) = default;

    bool is_armed;
};

struct point {
    int x;
    int y;
};

static_assert(std::is_same_v<outcome<int, never>, int>);
static_assert(std::is_void_v<outcome<void, never>>);
static_assert(std::is_same_v<outcome<int, std::string>, std::expected<int, std::string>>);
static_assert(!std::is_default_constructible_v<never> && std::is_copy_constructible_v<never>);

// What travels in registers.
static_assert(std::is_trivially_copyable_v<polled<>> && sizeof(polled<>) == 2);
static_assert(std::is_trivially_copyable_v<polled<int>> && sizeof(polled<int>) == 8);
static_assert(std::is_trivially_copyable_v<polled<std::optional<int>, int>>);
static_assert(std::is_trivially_destructible_v<polled<int, int>>);

// A polled can do what its value and error can.
static_assert(std::is_copy_constructible_v<polled<std::string, std::string>>);
static_assert(!std::is_copy_constructible_v<polled<std::unique_ptr<int>>>);
static_assert(!std::is_copy_assignable_v<polled<std::unique_ptr<int>>>);
static_assert(std::is_nothrow_move_constructible_v<polled<std::unique_ptr<int>, std::string>>);
static_assert(std::is_copy_constructible_v<polled<std::any>> &&
              std::is_copy_constructible_v<polled<std::function<void()>>>);

static_assert(std::is_convertible_v<pollux::pending_t, polled<int>>);
static_assert(!std::is_convertible_v<std::string, polled<int>>);
static_assert(!std::is_convertible_v<polled<int>, polled<long>>);
static_assert(!std::is_convertible_v<polled<int, int>, polled<int>>);
static_assert(!std::is_convertible_v<std::unexpected<int>, polled<int>>);
static_assert(!std::is_constructible_v<polled<>, int>);

}  // namespace

TEST_SUITE("core/polled") {
    TEST_CASE("polled: is exactly one of pending, value and error") {
        polled<int, std::string> nothing = pending;
        CHECK(nothing.is_pending());
        CHECK_FALSE(nothing.is_ready());
        CHECK_FALSE(nothing.has_value());
        CHECK_FALSE(nothing.has_error());

        polled<int, std::string> value = 5;
        CHECK(value.is_ready());
        CHECK(value.has_value());
        CHECK_FALSE(value.has_error());
        CHECK(value.value() == 5);

        polled<int, std::string> error = std::unexpected("no");
        CHECK(error.is_ready());
        CHECK_FALSE(error.has_value());
        CHECK(error.has_error());
        CHECK(error.error() == "no");
    }

    TEST_CASE("polled: a return statement converts what converts to the value or to the error") {
        const auto text = [](int which) -> polled<std::string, std::string> {
            if (which == 0) return "abc";
            if (which == 1) return std::unexpected("x");
            return pending;
        };
        CHECK(text(0).value() == "abc");
        CHECK(text(1).error() == "x");
        CHECK(text(2).is_pending());

        const auto item = [](bool is_end) -> polled<std::optional<int>, std::string> {
            if (is_end) return std::nullopt;
            return 5;
        };
        CHECK(item(false).value() == 5);
        CHECK_FALSE(item(true).value().has_value());

        const auto any = [](bool as_any) -> polled<std::any, int> {
            if (as_any) return std::any(1);
            return 5;
        };
        CHECK(std::any_cast<int>(any(false).value()) == 5);
        CHECK(std::any_cast<int>(any(true).value()) == 1);
    }

    TEST_CASE("polled: an expected of its value and error becomes the one it holds") {
        const auto of = [](std::expected<int, std::string> result) {
            return polled<int, std::string>(std::move(result));
        };
        CHECK(of(3).value() == 3);
        CHECK(of(std::unexpected("e")).error() == "e");

        polled<void, int> success = std::expected<void, int>();
        CHECK(success.has_value());
        polled<void, int> failure = std::expected<void, int>(std::unexpect, 4);
        CHECK(failure.error() == 4);

        // Also where the value type would take the whole expected.
        polled<std::any, int> any = std::expected<std::any, int>(std::unexpect, 4);
        CHECK(any.has_error());
    }

    TEST_CASE("polled: an exact value comes before every other reading") {
        using result = std::expected<int, std::string>;
        polled<result> succeeded = result(3);
        CHECK(succeeded.value() == 3);
        polled<result> failed = result(std::unexpect, "e");
        CHECK(failed.has_value());
        CHECK(failed.value().error() == "e");
        polled<result, std::string> both = result(std::unexpect, "e");
        CHECK(both.has_value());
        polled<std::unexpected<int>> error_as_value = std::unexpected(1);
        CHECK(error_as_value.has_value());
        polled<polled<never>> nested = polled<never>(pending);
        REQUIRE(nested.has_value());
        CHECK(nested.value().is_pending());
    }

    TEST_CASE("polled: an unexpected is its own error, and a value only where there can be no error") {
        using result = std::expected<int, std::string>;
        polled<result> value = std::unexpected("e");
        REQUIRE(value.has_value());
        CHECK(value.value().error() == "e");
        polled<result, std::string> error = std::unexpected("e");
        CHECK(error.has_error());
    }

    TEST_CASE("polled: generic code passes errors on where there can be none") {
        const auto pass = [](auto from) -> decltype(from) {
            if (from.has_error()) return std::unexpected(from.error());
            return from;
        };
        CHECK(pass(polled<int>(3)).value() == 3);
        CHECK(pass(polled<int, int>(std::unexpected(4))).error() == 4);
    }

    TEST_CASE("polled: what can be less becomes what can be more") {
        polled<void, std::string> done = polled<>::ready();
        CHECK(done.has_value());
        polled<int, std::string> value = polled<int>(7);
        CHECK(value.value() == 7);
        polled<int, std::string> error = polled<never, std::string>::failed("e");
        CHECK(error.error() == "e");
        polled<std::unique_ptr<int>, std::string> moved = polled<std::unique_ptr<int>>(std::make_unique<int>(8));
        CHECK(*moved.value() == 8);
        polled<int, std::string> nothing = polled<never>(pending);
        CHECK(nothing.is_pending());
    }

    TEST_CASE("polled: ready and failed make the value and the error in place") {
        CHECK(polled<std::string>::ready(3U, 'x').value() == "xxx");
        CHECK(polled<void, std::string>::failed(2U, 'y').error() == "yy");
        CHECK(polled<point>::ready(1, 2).value().y == 2);
        CHECK(polled<std::array<int, 2>>::ready().is_ready());
        CHECK(polled<>::ready().value() == unit{});
    }

    TEST_CASE("polled: take moves the outcome out") {
        polled<std::unique_ptr<int>> only_value = std::make_unique<int>(1);
        CHECK(*only_value.take() == 1);
        CHECK(only_value.is_ready());
        CHECK(only_value.value() == nullptr);

        polled<std::unique_ptr<int>, std::string> value = std::make_unique<int>(2);
        CHECK(*value.take().value() == 2);
        polled<std::unique_ptr<int>, std::string> error = std::unexpected("e");
        CHECK(error.take().error() == "e");

        CHECK(polled<void, int>::ready().take().has_value());
        CHECK(polled<void, int>(std::unexpected(1)).take().error() == 1);
        static_assert(std::is_void_v<decltype(polled<>::ready().take())>);
    }

    TEST_CASE("polled: copies and moves keep the state, and destroy what they replace") {
        const auto counted = std::make_shared<int>(0);
        polled<std::shared_ptr<int>, std::string> first = counted;
        polled<std::shared_ptr<int>, std::string> second = first;
        CHECK(counted.use_count() == 3);
        second = std::unexpected("e");
        CHECK(counted.use_count() == 2);
        CHECK(second.error() == "e");
        second = std::move(first);
        CHECK(counted.use_count() == 2);
        CHECK(second.value() == counted);
        auto& alias = second;
        second = alias;
        CHECK(second.value() == counted);
        second = pending;
        CHECK(counted.use_count() == 1);
        CHECK(second.is_pending());
    }

    TEST_CASE("polled: a value that throws while it is assigned leaves it pending") {
        polled<explosive> target = explosive(false);
        const auto source = polled<explosive>::ready(true);
        CHECK_THROWS_AS(target = source, std::runtime_error);
        CHECK(target.is_pending());
    }
}

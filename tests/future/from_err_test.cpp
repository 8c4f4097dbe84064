// SPDX-License-Identifier: MIT
#include "pollux/future/from_err.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/future/ready.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

struct from_text {
    from_text(std::unique_ptr<std::string> text) : size(text->size()) {
        if (*text == "refused") throw std::runtime_error("refused");
    }
    std::size_t size;
};

}  // namespace

TEST_SUITE("future/from_err") {
    TEST_CASE("from_err: converts the error, which is moved in") {
        pollux::test::manual<int, std::unique_ptr<std::string>> source;
        auto fut = source.future() | pollux::from_err<from_text>();
        static_assert(std::is_same_v<decltype(fut)::error_type, from_text>);
        CHECK(source.polls() == 0);
        assert_pending(poll_once(fut));
        source.complete(std::unexpected(std::make_unique<std::string>("four")));
        CHECK(assert_ready(poll_once(fut)).error().size == 4);
    }

    TEST_CASE("from_err: a value passes, void too") {
        auto value = pollux::from_err<long>(pollux::from_result(std::expected<std::string, int>("v")));
        CHECK(assert_ready(poll_once(value)).value() == "v");
        auto nothing = pollux::from_err<long>(pollux::from_result(std::expected<void, int>()));
        CHECK(assert_ready(poll_once(nothing)).has_value());
    }

    TEST_CASE("from_err: what cannot fail gets the error type that is named") {
        auto fut = pollux::ready(1) | pollux::from_err<std::string>();
        static_assert(std::is_same_v<decltype(fut)::error_type, std::string>);
        CHECK(assert_ready(poll_once(fut)).value() == 1);
        auto still = pollux::from_err<pollux::never>(pollux::ready(2));
        static_assert(std::is_same_v<decltype(still)::error_type, pollux::never>);
        CHECK(assert_ready(poll_once(still)) == 2);
    }

    TEST_CASE("from_err: what the conversion throws comes out of the poll") {
        auto fut = pollux::fail<int>(std::make_unique<std::string>("refused")) | pollux::from_err<from_text>();
        CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
    }
}

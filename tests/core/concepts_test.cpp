// SPDX-License-Identifier: MIT
#include "pollux/core/concepts.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

namespace {

using pollux::context;
using pollux::never;
using pollux::polled;

struct number_future {
    using value_type = int;
    using error_type = std::string;
    polled<int, std::string> poll(context&) { return 1; }
};
struct nothing_future {
    using value_type = void;
    using error_type = never;
    polled<> poll(context&) { return polled<>::ready(); }
};
struct without_error_type {
    using value_type = int;
    polled<int> poll(context&) { return 1; }
};
struct other_answer {
    using value_type = int;
    using error_type = never;
    polled<long> poll(context&) { return 1; }
};
struct const_only {
    using value_type = int;
    using error_type = never;
    polled<int> poll(context&) const { return 1; }
};
struct number_stream {
    using value_type = int;
    using error_type = never;
    polled<std::optional<int>> poll_next(context&) { return std::nullopt; }
};
struct void_stream {
    using value_type = void;
    using error_type = never;
    polled<std::optional<int>> poll_next(context&) { return std::nullopt; }
};
struct pointer_sink {
    using item_type = std::unique_ptr<int>;
    using error_type = int;
    polled<void, int> poll_ready(context&) { return polled<>::ready(); }
    polled<void, int> poll_flush(context&) { return polled<>::ready(); }
    polled<void, int> poll_close(context&) { return polled<>::ready(); }
    std::expected<void, int> start_send(std::unique_ptr<int>) { return {}; }
};

// References and const are looked through: a combinator is asked about what it was handed.
static_assert(pollux::future<number_future> && pollux::future<number_future&> && pollux::future<const number_future&>);
static_assert(pollux::future<nothing_future> && pollux::future<nothing_future&&> && pollux::future<const_only>);
static_assert(!pollux::future<int> && !pollux::future<void> && !pollux::future<number_stream>);
static_assert(!pollux::future<without_error_type> && !pollux::future<other_answer>);
static_assert(pollux::stream<number_stream> && pollux::stream<number_stream&> && !pollux::stream<number_future>);
static_assert(!pollux::stream<void_stream> && !pollux::stream<int>);
static_assert(pollux::sink<pointer_sink> && pollux::sink<pointer_sink&> && pollux::sink<pointer_sink, std::nullptr_t>);
static_assert(!pollux::sink<pointer_sink, int> && !pollux::sink<int> && !pollux::sink<number_future>);
static_assert(std::is_same_v<pollux::outcome_of<number_future&>, std::expected<int, std::string>>);
static_assert(std::is_void_v<pollux::outcome_of<nothing_future>>);
static_assert(std::is_same_v<pollux::outcome_of<number_stream>, int>);

template <class F>
int overload(const F&) {
    return 1;
}
template <pollux::future F>
int overload(const F&) {
    return 2;
}

}  // namespace

TEST_SUITE("core/concepts") {
    TEST_CASE("concepts: they choose between overloads") {
        CHECK(overload(number_future{}) == 2);
        CHECK(overload(number_stream{}) == 1);
        CHECK(overload(other_answer{}) == 1);
        CHECK(overload(5) == 1);
    }
}

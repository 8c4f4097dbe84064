// SPDX-License-Identifier: MIT
#include "pollux/coro/task.hpp"

#include <doctest/doctest.h>

#include <any>
#include <atomic>
#include <expected>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/future/select.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"
#include "support/tracked.hpp"

namespace {

using pollux::never;
using pollux::task;
using pollux::test::manual;
using pollux::test::mark;
using pollux::test::tracked;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

task<> note(bool& has_run) {
    has_run = true;
    co_return;
}

task<int> number(int n) { co_return n; }
task<std::unique_ptr<int>> owned(int n) { co_return std::make_unique<int>(n); }
task<std::string> converted() { co_return "text"; }
task<int> value_initialised() { co_return {}; }

task<int, std::string> number_or_error(int kind) {
    switch (kind) {
        case 0: co_return 7;
        case 1: co_return std::unexpected("plain error");
        case 2: co_return std::expected<int, std::string>(8);
        case 3: co_return std::expected<int, std::string>(std::unexpect, "outcome");
        default: throw std::runtime_error("thrown");
    }
}

// Unless it was moved from.
class throws_at_end {
public:
    throws_at_end() = default;
    throws_at_end(throws_at_end&& other) noexcept : is_here_(std::exchange(other.is_here_, false)) {}
    throws_at_end& operator=(throws_at_end&&) = delete;
    ~throws_at_end() noexcept(false) {
        if (is_here_) throw std::runtime_error("local");
    }

private:
    bool is_here_ = true;
};
// What is thrown behind the first co_return is caught, and there is a second one.
task<tracked, std::string> ends_twice(bool with_error, std::atomic<int>& alive) {
    try {
        const throws_at_end local;
        co_return tracked(alive);
    } catch (const std::runtime_error&) {}
    if (with_error) co_return std::unexpected("second");
    co_return tracked(alive);
}

task<void, std::string> nothing_or_error(int kind) {
    switch (kind) {
        case 0: co_return {};
        case 1: co_return std::unexpected(std::string("plain error"));
        case 2: co_return std::expected<void, std::string>();
        case 3: co_return std::expected<void, std::string>(std::unexpect, "outcome");
        default: throw std::runtime_error("thrown");
    }
}

task<std::expected<int, std::string>> expected_as_value(bool good) {
    if (good) co_return 5;
    co_return std::unexpected("inside the value");
}

task<int> thrower(std::string what) {
    throw std::runtime_error(what);
    co_return 0;
}

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wreturn-type"
#endif
task<void, std::string> falls_off(bool fail) {
    if (fail) co_return std::unexpected("error");
}
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

struct throws_when_moved {
    explicit throws_when_moved(int n) : value(n) {}
    throws_when_moved(throws_when_moved&& other) : value(other.value) {
        if (value < 0) throw std::runtime_error("moved");
    }
    int value;
};
task<throws_when_moved> hard_to_return(int n) { co_return throws_when_moved(n); }

// Ends by `kind`: 0 value, 1 error, 2 exception, 3 the error of an await.
task<int, std::string> ends_by(int kind, mark, std::vector<std::string>& log) {
    const mark local(log, "local");
    if (kind == 1) co_return std::unexpected("error");
    if (kind == 2) throw std::runtime_error("exception");
    if (kind == 3) {
        auto failing = pollux::fail(std::string("awaited"));
        co_await pollux::try_(failing);
    }
    co_return 1;
}

task<> awaits(task<int, std::string> child, std::vector<std::string>& log) {
    try {
        auto outcome = co_await child;
        log.push_back(outcome.has_value() ? "value" : outcome.error());
    } catch (const std::runtime_error& error) {
        log.push_back(error.what());
    }
}

task<> suspended_at(manual<>::future_type leaf, std::atomic<int>& alive) {
    const tracked local(alive);
    co_await leaf;
}
task<> nested(int depth, manual<>::future_type leaf, std::atomic<int>& alive) {
    const tracked local(alive);
    if (depth == 0)
        co_await leaf;
    else
        co_await nested(depth - 1, std::move(leaf), alive);
}

// co_return takes an `X` in a task<T, E>.
template <class X, class T, class E = never>
concept returns =
    requires(pollux::detail::task_promise<T, E>& promise, X&& from) { promise.return_value(std::forward<X>(from)); };

}  // namespace

TEST_SUITE("coro/task") {
    TEST_CASE("task: runs nothing before its first poll, and nothing if it is dropped unpolled") {
        bool has_run = false;
        { auto dropped = note(has_run); }
        CHECK_FALSE(has_run);
        auto fut = note(has_run);
        CHECK_FALSE(has_run);
        assert_ready(poll_once(fut));
        CHECK(has_run);
    }

    TEST_CASE("task: is a future, may be moved, and is nothing but a pointer") {
        static_assert(pollux::future<task<int, std::string>>);
        static_assert(std::is_same_v<pollux::outcome_of<task<int, std::string>>, std::expected<int, std::string>>);
        static_assert(std::is_void_v<pollux::outcome_of<task<>>>);
        static_assert(sizeof(task<std::string, std::string>) == sizeof(void*));
        static_assert(std::is_nothrow_move_constructible_v<task<>> && std::is_nothrow_move_assignable_v<task<>>);
        static_assert(!std::is_copy_constructible_v<task<>>);
    }

    TEST_CASE("task: gives a value, a move-only value, a converted one, a value-initialised one") {
        CHECK(pollux::block_on(number(3)) == 3);
        CHECK(*pollux::block_on(owned(4)) == 4);
        CHECK(pollux::block_on(converted()) == "text");
        CHECK(pollux::block_on(value_initialised()) == 0);
    }

    TEST_CASE("task: gives an error by std::unexpected or by its outcome") {
        CHECK(pollux::block_on(number_or_error(0)) == 7);
        CHECK(pollux::block_on(number_or_error(1)).error() == "plain error");
        CHECK(pollux::block_on(number_or_error(2)) == 8);
        CHECK(pollux::block_on(number_or_error(3)).error() == "outcome");
        CHECK_THROWS_WITH_AS(pollux::block_on(number_or_error(4)), "thrown", std::runtime_error);
    }

    TEST_CASE("task<void, E>: succeeds by {}, by its outcome, and by falling off its end") {
        CHECK(pollux::block_on(nothing_or_error(0)).has_value());
        CHECK(pollux::block_on(nothing_or_error(1)).error() == "plain error");
        CHECK(pollux::block_on(nothing_or_error(2)).has_value());
        CHECK(pollux::block_on(nothing_or_error(3)).error() == "outcome");
        CHECK_THROWS_AS(pollux::block_on(nothing_or_error(4)), std::runtime_error);
        CHECK(pollux::block_on(falls_off(false)).has_value());
        CHECK(pollux::block_on(falls_off(true)).error() == "error");
    }

    TEST_CASE("task<std::expected>: an unexpected is its value") {
        auto good = pollux::block_on(expected_as_value(true));
        static_assert(std::is_same_v<decltype(good), std::expected<int, std::string>>);
        CHECK(good == 5);
        CHECK(pollux::block_on(expected_as_value(false)).error() == "inside the value");
    }

    TEST_CASE("task: an exception while the result is stored is the task's exception") {
        CHECK(pollux::block_on(hard_to_return(1)).value == 1);
        CHECK_THROWS_WITH_AS(pollux::block_on(hard_to_return(-1)), "moved", std::runtime_error);
    }

    TEST_CASE("task: ends as its last co_return says, and what an earlier one gave is destroyed") {
        std::atomic<int> alive = 0;
        {
            const auto value = pollux::block_on(ends_twice(false, alive));
            CHECK(value.has_value());
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
        CHECK(pollux::block_on(ends_twice(true, alive)).error() == "second");
        CHECK(alive == 0);
    }

    TEST_CASE("task: an exception leaves the poll, and the frame is gone then") {
        auto fut = thrower("oops");
        CHECK_THROWS_WITH_AS(poll_once(fut), "oops", std::runtime_error);
    }

    TEST_CASE("task: locals and parameters are destroyed before its awaiter goes on, however it ends") {
        const std::vector<std::string> results{"value", "error", "exception", "awaited"};
        for (int kind = 0; kind != 4; ++kind) {
            CAPTURE(kind);
            std::vector<std::string> log;
            auto fut = awaits(ends_by(kind, mark(log, "parameter"), log), log);
            CHECK(log.empty());
            assert_ready(poll_once(fut));
            CHECK(log == std::vector<std::string>{"local", "parameter", results[static_cast<std::size_t>(kind)]});
        }
    }

    TEST_CASE("task: a frame that was never started destroys its parameters with the task") {
        std::atomic<int> alive = 0;
        manual<> leaf;
        {
            auto fut = suspended_at(leaf.future(), alive);
            CHECK(leaf.is_alive());
        }
        CHECK_FALSE(leaf.is_alive());
        CHECK(leaf.polls() == 0);
    }

    TEST_CASE("task: a drop at a leaf destroys the frame and what it waits for") {
        std::atomic<int> alive = 0;
        manual<> leaf;
        {
            auto fut = suspended_at(leaf.future(), alive);
            assert_pending(poll_once(fut));
            CHECK(alive == 1);
            CHECK(leaf.is_alive());
            auto moved = std::move(fut);
            assert_pending(poll_once(moved));
            CHECK(leaf.polls() == 2);
        }
        CHECK(alive == 0);
        CHECK_FALSE(leaf.is_alive());
    }

    TEST_CASE("task: a drop inside nested children destroys all frames, the innermost first") {
        std::atomic<int> alive = 0;
        manual<> leaf;
        {
            auto fut = nested(100, leaf.future(), alive);
            assert_pending(poll_once(fut));
            CHECK(alive == 101);
            assert_pending(poll_once(fut));
            CHECK(leaf.polls() == 2);
        }
        CHECK(alive == 0);
        CHECK_FALSE(leaf.is_alive());
    }

    TEST_CASE("task: assigning over a suspended one destroys that one") {
        std::atomic<int> alive = 0;
        manual<> first;
        manual<> second;
        auto fut = suspended_at(first.future(), alive);
        assert_pending(poll_once(fut));
        fut = suspended_at(second.future(), alive);
        CHECK(alive == 0);
        CHECK_FALSE(first.is_alive());
        assert_pending(poll_once(fut));
        second.complete(pollux::polled<>::ready());
        assert_ready(poll_once(fut));
        CHECK(alive == 0);
    }

    TEST_CASE("task: a finished one may be assigned to, moved and dropped") {
        auto fut = number(1);
        CHECK(assert_ready(poll_once(fut)) == 1);
        fut = number(2);
        auto moved = std::move(fut);
        CHECK(assert_ready(poll_once(moved)) == 2);
    }

    TEST_CASE("task: goes into join, select, map and boxed like any future") {
        auto both = pollux::join(number(1), owned(2));
        auto outcomes = assert_ready(poll_once(both));
        CHECK(std::get<0>(outcomes) == 1);
        CHECK(*std::get<1>(outcomes) == 2);

        std::atomic<int> alive = 0;
        manual<> leaf;
        auto first = pollux::select(suspended_at(leaf.future(), alive), number(3));
        CHECK(std::get<1>(assert_ready(poll_once(first))) == 3);
        CHECK(alive == 0);
        CHECK_FALSE(leaf.is_alive());

        auto doubled = pollux::map(number(4), [](int n) { return 2 * n; });
        CHECK(assert_ready(poll_once(doubled)) == 8);
        pollux::boxed_future<int, std::string> boxed = number_or_error(1);
        CHECK(assert_ready(poll_once(boxed)).error() == "plain error");
    }

    TEST_CASE("task: one lent to a select lives on and is awaited later") {
        std::atomic<int> alive = 0;
        manual<> leaf;
        auto fut = nested(3, leaf.future(), alive);
        auto first = pollux::select(pollux::by_ref(fut), number(3));
        CHECK(assert_ready(poll_once(first)).index() == 1);
        CHECK(alive == 4);
        leaf.complete(pollux::polled<>::ready());
        assert_ready(poll_once(fut));
        CHECK(alive == 0);
    }

    TEST_CASE("task: a destructor that throws while its frame is destroyed ends the process with a message") {
        const auto message = pollux::test::message_of_abort([] {
            auto fut = []() -> task<> {
                const throws_at_end local;
                co_await pollux::never_ready();
            }();
            static_cast<void>(poll_once(fut));
        });
        CHECK(message.starts_with("pollux: coroutine: the destructor of a local or a parameter threw "));
    }

    TEST_CASE("task: a parameter whose destructor throws at its end ends the process, awaited or not") {
        const auto ends_badly = [](throws_at_end) -> task<> { co_return; };
        const auto alone = pollux::test::message_of_abort([&] { pollux::block_on(ends_badly(throws_at_end())); });
        CHECK(alone.contains("terminate called"));
        const auto awaited = pollux::test::message_of_abort([&] {
            pollux::block_on([&]() -> task<> {
                auto fut = ends_badly(throws_at_end());
                co_await fut;
            }());
        });
        CHECK(awaited.contains("terminate called"));
    }

    TEST_CASE("task: what cannot fail takes the unexpected of never, and gives it to what can") {
        const auto passed_on = []<class T, class E>(std::expected<T, E> from) -> task<T, E> {
            if (!from.has_value()) co_return std::unexpected(std::move(from).error());
            co_return *std::move(from);
        };
        CHECK(pollux::block_on(passed_on(std::expected<int, pollux::never>(1))) == 1);
        CHECK(pollux::block_on(passed_on(std::expected<int, std::string>(std::unexpect, "no"))).error() == "no");
    }

    TEST_CASE("task: awaits a future that has no unary &, lent too") {
        struct without_address {
            using value_type = int;
            using error_type = pollux::never;
            pollux::polled<int> poll(pollux::context&) { return 5; }
            void operator&() const = delete;
        };
        const auto awaits = []() -> task<int> {
            without_address here;
            const int lent = co_await pollux::by_ref(here);
            const int given = co_await without_address();
            co_return lent + given;
        };
        CHECK(pollux::block_on(awaits()) == 10);
    }

    TEST_CASE("task: its own outcome is an outcome, although its value type takes anything") {
        const auto fails = []() -> task<std::any, std::string> {
            co_return std::expected<std::any, std::string>(std::unexpect, "no");
        };
        auto fut = fails();
        CHECK(poll_once(fut).error() == "no");
    }

    TEST_CASE("task: the outcome of another type becomes its outcome as it would in a function") {
        const auto widened = [](std::expected<int, const char*> from) -> task<long, std::string> { co_return from; };
        CHECK(pollux::block_on(widened(7)) == std::expected<long, std::string>(7));
        CHECK(pollux::block_on(widened(std::unexpected("no"))).error() == "no");
        const auto moved = [](std::expected<std::unique_ptr<int>, int> from) -> task<std::shared_ptr<int>, long> {
            co_return std::move(from);
        };
        CHECK(*pollux::block_on(moved(std::make_unique<int>(3))).value() == 3);
        CHECK(pollux::block_on(moved(std::unexpected(4))).error() == 4);
        const auto text = [](const std::expected<const char*, int>& from) -> task<std::string, int> { co_return from; };
        CHECK(pollux::block_on(text("text")).value() == "text");
        CHECK(pollux::block_on(text(std::unexpected(5))).error() == 5);
        const auto nothing = [](std::expected<void, const char*> from) -> task<void, std::string> { co_return from; };
        CHECK(pollux::block_on(nothing({})).has_value());
        CHECK(pollux::block_on(nothing(std::unexpected("no"))).error() == "no");
    }

    TEST_CASE("task: a value type that takes another outcome comes first, and what a function refuses is refused") {
        using other = std::expected<int, int>;
        const auto any = [](other from) -> task<std::any, std::string> { co_return from; };
        CHECK(std::any_cast<other>(pollux::block_on(any(1)).value()) == other(1));
        CHECK(std::any_cast<other>(pollux::block_on(any(std::unexpected(2))).value()) == other(std::unexpect, 2));
        const auto never_fails = [](other from) -> task<std::any> { co_return from; };
        CHECK(std::any_cast<other>(pollux::block_on(never_fails(std::unexpected(2)))) == other(std::unexpect, 2));
        const auto inner = [](std::expected<short, short> from) -> task<other, int> { co_return from; };
        const auto in_function = [](std::expected<short, short> from) -> std::expected<other, int> { return from; };
        const std::expected<short, short> failed(std::unexpect, 3);
        CHECK(pollux::block_on(inner(failed)).value() == other(std::unexpect, 3));
        CHECK(in_function(failed).value() == other(std::unexpect, 3));
        const auto same = [](other from) -> task<other, int> { co_return from; };
        CHECK(pollux::block_on(same(std::unexpected(3))).value() == other(std::unexpect, 3));

        static_assert(returns<other, int, long> && returns<other, long, int> && returns<other&, long, long>);
        static_assert(!returns<other, int, std::string> && !returns<other, std::string, int>);
        static_assert(!returns<other, int, never> && !returns<other, bool, never> &&
                      !returns<std::expected<void, int>, int, int>);
        static_assert(returns<other, void, long> == std::is_convertible_v<other, std::expected<void, long>>);
        static_assert(returns<other, bool, int> == std::is_convertible_v<other, std::expected<bool, int>>);
        static_assert(returns<bool, bool, int> && returns<const char(&)[5], std::string, int> &&
                      returns<int, bool, int>);
        static_assert(returns<const char(&)[5], std::any, std::string> && returns<bool, std::any>);
    }

#ifndef NDEBUG
    TEST_CASE("task: a debug build stops with a message when it is polled after it was ready") {
        const auto message = pollux::test::message_of_second_poll(number(1));
        CHECK(message.starts_with("pollux: task: polled after it was ready or moved from; "));
    }

    TEST_CASE("task: a debug build stops with a message when it is awaited twice") {
        const auto message = pollux::test::message_of_abort([] {
            auto twice = []() -> task<int> {
                auto fut = number(1);
                const int first = co_await fut;
                const int second = co_await fut;
                co_return first + second;
            };
            static_cast<void>(pollux::block_on(twice()));
        });
        CHECK(message.starts_with("pollux: co_await: the task has no coroutine; "));
    }
#endif
}

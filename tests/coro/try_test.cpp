// SPDX-License-Identifier: MIT
#include "pollux/coro/try.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_future.hpp"
#include "support/tracked.hpp"

namespace {

using pollux::polled;
using pollux::task;
using pollux::try_;
using pollux::test::manual;
using pollux::test::mark;
using pollux::test::tracked;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

// What an error becomes on its way up.
struct wide_error {
    wide_error(std::string what) : text("wide " + std::move(what)) {}
    std::string text;
};
struct throws_in_conversion {
    throws_in_conversion(const std::string&) { throw std::runtime_error("conversion"); }
};

template <class F>
task<int, std::string> plus_one(F fut, std::atomic<int>& alive) {
    const tracked local(alive);
    const int n = co_await try_(fut);
    co_return n + 1;
}
template <class F>
task<int, wide_error> widened(F fut) {
    const int n = co_await try_(std::move(fut));
    co_return n;
}
template <class F>
task<std::string, throws_in_conversion> caught_conversion(F fut) {
    std::string text = "nothing";
    try {
        co_await try_(fut);
    } catch (const std::runtime_error& error) {
        text = error.what();
    }
    co_return text;
}

task<int, std::string> leaf_task(manual<int, std::string>::future_type leaf) {
    auto outcome = co_await leaf;
    co_return outcome;
}
task<int, std::string> ends(std::expected<int, std::string> with) { co_return with; }
task<int, std::string> throws() {
    throw std::runtime_error("thrown");
    co_return 0;
}
task<void, std::string> nothing(bool fail) {
    if (fail) co_return std::unexpected("nothing failed");
    co_return {};
}
task<std::expected<int, std::string>> as_value(std::expected<int, std::string> with) { co_return with; }

task<int, std::string> chain(int depth, manual<int, std::string>::future_type leaf, std::atomic<int>& alive) {
    const tracked local(alive);
    if (depth == 0) {
        const int n = co_await try_(leaf);
        co_return n;
    }
    const int n = co_await try_(chain(depth - 1, std::move(leaf), alive));
    co_return n + 1;
}

task<int, std::string> sum_of_plain(std::vector<int> items) {
    auto source = pollux::iter(std::move(items));
    int sum = 0;
    while (auto item = co_await try_(pollux::next(source))) sum += *item;
    co_return sum;
}

task<int, std::string> count_until_error(std::vector<std::expected<void, std::string>> items) {
    auto source = pollux::iter(std::move(items));
    int n = 0;
    while (auto item = co_await try_(pollux::next(source))) ++n;
    co_return n;
}

class failing_stream {
public:
    using value_type = int;
    using error_type = std::string;
    polled<std::optional<int>, std::string> poll_next(pollux::context&) {
        if (++polls_ == 3) return std::unexpected("third");
        return std::optional<int>(polls_);
    }

private:
    int polls_ = 0;
};
task<int, std::string> sum_of_failing(int& sum) {
    failing_stream source;
    while (auto item = co_await try_(pollux::next(source))) sum += *item;
    co_return sum;
}

}  // namespace

TEST_SUITE("coro/try") {
    TEST_CASE("try_: gives the value of a future, a task, an expected") {
        std::atomic<int> alive = 0;
        CHECK(pollux::block_on(plus_one(pollux::ready(1), alive)) == 2);
        CHECK(pollux::block_on(plus_one(ends(2), alive)) == 3);
        CHECK(pollux::block_on(plus_one(as_value(3), alive)) == 4);
        auto of_expected = [](std::expected<int, std::string> given) -> task<int, std::string> {
            const int n = co_await try_(given);
            const int m = co_await try_(std::move(given));
            co_return n + m;
        };
        CHECK(pollux::block_on(of_expected(4)) == 8);
        CHECK(pollux::block_on(of_expected(std::unexpected("bad"))).error() == "bad");
        auto cannot_fail = [](std::expected<int, pollux::never> given) -> task<int> { co_return co_await try_(given); };
        CHECK(pollux::block_on(cannot_fail(5)) == 5);
        CHECK(alive == 0);
    }

    TEST_CASE("try_: of void gives nothing, and fails") {
        auto steps = [](bool fail, bool& went_on) -> task<int, std::string> {
            co_await try_(nothing(false));
            co_await try_(std::expected<void, std::string>());
            co_await try_(nothing(fail));
            went_on = true;
            co_return 1;
        };
        bool went_on = false;
        CHECK(pollux::block_on(steps(true, went_on)).error() == "nothing failed");
        CHECK_FALSE(went_on);
        CHECK(pollux::block_on(steps(false, went_on)) == 1);
        CHECK(went_on);
    }

    TEST_CASE("try_: an error at once ends the coroutine and destroys its locals") {
        std::atomic<int> alive = 0;
        CHECK(pollux::block_on(plus_one(pollux::fail<int>(std::string("leaf")), alive)).error() == "leaf");
        CHECK(pollux::block_on(plus_one(ends(std::unexpected("task")), alive)).error() == "task");
        CHECK(pollux::block_on(plus_one(as_value(std::unexpected("value")), alive)).error() == "value");
        auto failing = []() -> task<int, std::string> {
            co_await try_(std::unexpected("unexpected"));
            co_return 1;
        };
        CHECK(pollux::block_on(failing()).error() == "unexpected");
        CHECK(alive == 0);
    }

    TEST_CASE("try_: an error after a suspension ends the coroutine and destroys its locals") {
        std::atomic<int> alive = 0;
        manual<int, std::string> leaf;
        auto fut = plus_one(leaf.future(), alive);
        assert_pending(poll_once(fut));
        assert_pending(poll_once(fut));
        CHECK(alive == 1);
        leaf.complete(std::unexpected("late"));
        CHECK(assert_ready(poll_once(fut)).error() == "late");
        CHECK(alive == 0);
        CHECK_FALSE(leaf.is_alive());

        manual<int, std::string> good;
        auto succeeds = plus_one(good.future(), alive);
        assert_pending(poll_once(succeeds));
        good.complete(1);
        CHECK(assert_ready(poll_once(succeeds)) == 2);
    }

    TEST_CASE("try_: an error of a task that was suspended ends each coroutine above it") {
        for (const int depth : {1, 2, 63, 64, 65, 500}) {
            CAPTURE(depth);
            std::atomic<int> alive = 0;
            manual<int, std::string> leaf;
            auto fut = chain(depth, leaf.future(), alive);
            assert_pending(poll_once(fut));
            CHECK(alive == depth + 1);
            leaf.complete(std::unexpected("deep"));
            CHECK(assert_ready(poll_once(fut)).error() == "deep");
            CHECK(alive == 0);
            CHECK_FALSE(leaf.is_alive());

            manual<int, std::string> at_once;
            at_once.complete(std::unexpected("at once"));
            CHECK(pollux::block_on(chain(depth, at_once.future(), alive)).error() == "at once");
            CHECK(alive == 0);

            manual<int, std::string> good;
            auto succeeds = chain(depth, good.future(), alive);
            assert_pending(poll_once(succeeds));
            good.complete(1);
            CHECK(assert_ready(poll_once(succeeds)) == depth + 1);
            CHECK(alive == 0);
        }
    }

    TEST_CASE("try_: a suspended chain is destroyed from any depth") {
        std::atomic<int> alive = 0;
        manual<int, std::string> leaf;
        {
            auto fut = chain(300, leaf.future(), alive);
            assert_pending(poll_once(fut));
            CHECK(alive == 301);
        }
        CHECK(alive == 0);
        CHECK_FALSE(leaf.is_alive());
    }

    TEST_CASE("try_: a task that was polled before fails, succeeds and throws as any other") {
        for (const bool suspends : {true, false}) {
            for (const bool fails : {false, true}) {
                CAPTURE(suspends);
                CAPTURE(fails);
                std::atomic<int> alive = 0;
                manual<int, std::string> leaf;
                auto inner = leaf_task(leaf.future());
                assert_pending(poll_once(inner));
                auto fut = plus_one(std::move(inner), alive);
                if (suspends) assert_pending(poll_once(fut));
                if (fails)
                    leaf.complete(std::unexpected("late"));
                else
                    leaf.complete(1);
                const auto outcome = assert_ready(poll_once(fut));
                CHECK(outcome.has_value() == !fails);
                CHECK(outcome.value_or(0) == (fails ? 0 : 2));
                CHECK(alive == 0);
            }
            manual<int, std::string> throwing;
            std::atomic<int> alive = 0;
            auto inner = leaf_task(throwing.future());
            assert_pending(poll_once(inner));
            auto fut = plus_one(std::move(inner), alive);
            if (suspends) assert_pending(poll_once(fut));
            throwing.complete_by_throwing(std::runtime_error("thrown"));
            CHECK_THROWS_AS(poll_once(fut), std::runtime_error);
            CHECK(alive == 0);
        }
    }

    TEST_CASE("try_: an exception is no error: it is thrown where it is awaited") {
        std::atomic<int> alive = 0;
        CHECK_THROWS_WITH_AS(pollux::block_on(plus_one(throws(), alive)), "thrown", std::runtime_error);
        manual<int, std::string> leaf;
        auto fut = plus_one(leaf.future(), alive);
        assert_pending(poll_once(fut));
        leaf.complete_by_throwing(std::runtime_error("late"));
        CHECK_THROWS_WITH_AS(poll_once(fut), "late", std::runtime_error);
        CHECK(alive == 0);
        manual<int, std::string> at_once;
        at_once.complete_by_throwing(std::runtime_error("at once"));
        CHECK_THROWS_WITH_AS(pollux::block_on(plus_one(at_once.future(), alive)), "at once", std::runtime_error);
        CHECK(alive == 0);
    }

    TEST_CASE("try_: an item may be an expected of nothing") {
        CHECK(pollux::block_on(count_until_error({{}, {}, {}})).value() == 3);
        CHECK(pollux::block_on(count_until_error({{}, std::unexpected("second")})).error() == "second");
    }

    TEST_CASE("try_: converts the error to the coroutine's") {
        CHECK(pollux::block_on(widened(pollux::fail<int>(std::string("leaf")))).error().text == "wide leaf");
        CHECK(pollux::block_on(widened(ends(std::unexpected("task")))).error().text == "wide task");
        manual<int, std::string> leaf;
        auto fut = widened(leaf_task(leaf.future()));
        assert_pending(poll_once(fut));
        leaf.complete(std::unexpected("late"));
        CHECK(assert_ready(poll_once(fut)).error().text == "wide late");
    }

    TEST_CASE("try_: a conversion that throws is an exception of the await") {
        CHECK(pollux::block_on(caught_conversion(pollux::fail<int>(std::string("e")))).value() == "conversion");
        CHECK(pollux::block_on(caught_conversion(ends(std::unexpected("e")))).value() == "conversion");
        manual<int, std::string> leaf;
        auto of_future = caught_conversion(leaf.future());
        assert_pending(poll_once(of_future));
        leaf.complete(std::unexpected("late"));
        CHECK(assert_ready(poll_once(of_future)).value() == "conversion");
        manual<int, std::string> below;
        auto of_task = caught_conversion(leaf_task(below.future()));
        assert_pending(poll_once(of_task));
        below.complete(std::unexpected("late"));
        CHECK(assert_ready(poll_once(of_task)).value() == "conversion");
    }

    TEST_CASE("try_: looks into the optional outcome that next gives") {
        CHECK(pollux::block_on(sum_of_plain({1, 2, 3})) == 6);
        int sum = 0;
        CHECK(pollux::block_on(sum_of_failing(sum)).error() == "third");
        CHECK(sum == 3);
    }

    TEST_CASE("try_: moves a value that can only be moved, and leaves an lvalue future in place") {
        auto moves = [](manual<std::unique_ptr<int>, std::string>& leaf) -> task<std::unique_ptr<int>, std::string> {
            auto fut = leaf.future();
            auto value = co_await try_(fut);
            co_return std::move(value);
        };
        manual<std::unique_ptr<int>, std::string> leaf;
        auto fut = moves(leaf);
        assert_pending(poll_once(fut));
        leaf.complete(std::make_unique<int>(9));
        CHECK(**assert_ready(poll_once(fut)) == 9);
    }

    TEST_CASE("try_: an error destroys locals in reverse order, then parameters, then the awaiter goes on") {
        auto inner = [](std::vector<std::string>& log, mark,
                        manual<int, std::string>::future_type leaf) -> task<int, std::string> {
            const mark first(log, "first");
            const mark second(log, "second");
            const int n = co_await try_(leaf);
            co_return n;
        };
        auto outer = [&](std::vector<std::string>& log, manual<int, std::string>::future_type leaf) -> task<> {
            auto child = inner(log, mark(log, "parameter"), std::move(leaf));
            const auto outcome = co_await child;
            log.push_back(outcome.error());
        };
        for (const bool suspends : {false, true}) {
            CAPTURE(suspends);
            std::vector<std::string> log;
            manual<int, std::string> leaf;
            auto fut = outer(log, leaf.future());
            if (suspends) assert_pending(poll_once(fut));
            leaf.complete(std::unexpected("error"));
            assert_ready(poll_once(fut));
            CHECK(log == std::vector<std::string>{"second", "first", "parameter", "error"});
        }
    }
}

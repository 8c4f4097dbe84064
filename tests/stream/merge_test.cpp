// SPDX-License-Identifier: MIT
#include "pollux/stream/merge.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/once.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using answer = pollux::polled<std::optional<int>, std::string>;

// A stream that gives what was put into `next`, and is pending without.
struct side {
    std::optional<answer> next;
    pollux::waker latest;
    int polls = 0;

    auto stream() {
        return pollux::poll_stream_fn([this](pollux::context& cx) -> answer {
            ++polls;
            latest = cx.waker();
            if (!next.has_value()) return pollux::pending;
            answer given = std::move(*next);
            next.reset();
            return given;
        });
    }
    void give(answer item) {
        next.emplace(std::move(item));
        std::exchange(latest, pollux::waker()).wake();
    }
};

}  // namespace

TEST_SUITE("stream/merge") {
    TEST_CASE("merge: a stream of never meets the items of the other, on either side") {
        const auto fails = pollux::once(pollux::fail(std::string("away")));
        auto second = pollux::merge(pollux::iter({1}), fails);
        static_assert(std::is_same_v<decltype(second)::value_type, int>);
        CHECK(assert_ready(poll_once(second)).value() == 1);
        CHECK(assert_ready(poll_once(second)).error() == "away");
        CHECK_FALSE(assert_ready(poll_once(second)).value().has_value());
        auto first = pollux::merge(fails, pollux::iter({1}));
        static_assert(std::is_same_v<decltype(first)::value_type, int>);
        CHECK(assert_ready(poll_once(first)).error() == "away");
        CHECK(assert_ready(poll_once(first)).value() == 1);
        CHECK_FALSE(assert_ready(poll_once(first)).value().has_value());
    }

    TEST_CASE("merge: gives items of both as they come, and ends when both have ended") {
        side a;
        side b;
        auto source = pollux::merge(a.stream(), b.stream());
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        static_assert(std::is_same_v<decltype(source)::error_type, std::string>);
        CHECK(a.polls == 0);
        assert_pending(poll_once(source));
        CHECK(a.polls == 1);
        CHECK(b.polls == 1);
        b.give(std::optional(2));
        CHECK(assert_ready(poll_once(source)).value() == 2);
        b.give(std::optional<int>());
        assert_pending(poll_once(source));
        a.give(std::optional(1));
        CHECK(assert_ready(poll_once(source)).value() == 1);
        a.give(std::unexpected("one"));
        CHECK(assert_ready(poll_once(source)).error() == "one");
        const int polls_of_b = b.polls;
        a.give(std::optional<int>());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK(b.polls == polls_of_b);  // ended long before
    }

    TEST_CASE("merge: while both have items they take turns, and then the longer one goes on") {
        auto source = pollux::iter({1, 2, 3}) | pollux::merge(pollux::iter({4, 5, 6, 7, 8}));
        CHECK(pollux::test::drain(source) == std::vector<int>{1, 4, 2, 5, 3, 6, 7, 8});
    }

    TEST_CASE("merge: a wake-up polls only the side that was woken") {
        side a;
        side b;
        auto source = pollux::merge(a.stream(), b.stream());
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(source.poll_next(cx));
        a.latest.wake();
        CHECK(waker.count() == 1);
        assert_pending(source.poll_next(cx));
        CHECK(a.polls == 2);
        CHECK(b.polls == 1);
        b.give(std::optional(5));
        CHECK(assert_ready(source.poll_next(cx)).value() == 5);
        CHECK(a.polls == 2);
        assert_pending(source.poll_next(cx));
        CHECK(a.polls == 2);
        CHECK(b.polls == 3);  // it gave an item and may have more
        assert_pending(source.poll_next(cx));
        CHECK(b.polls == 3);
    }

    TEST_CASE("merge: one side that is always ready does not keep the other from its turn") {
        side b;
        auto source = pollux::merge(pollux::poll_stream_fn([](pollux::context&) { return answer(std::optional(0)); }),
                                    b.stream());
        CHECK(assert_ready(poll_once(source)).value() == 0);
        CHECK(assert_ready(poll_once(source)).value() == 0);
        CHECK(b.polls == 1);
        b.give(std::optional(7));
        const auto one = assert_ready(poll_once(source)).value();
        const auto two = assert_ready(poll_once(source)).value();
        CHECK(*one + *two == 7);
    }

    TEST_CASE("merge: an exception goes up, and both sides can go on") {
        side b;
        int polls = 0;
        auto source = pollux::merge(pollux::poll_stream_fn([&polls](pollux::context&) -> answer {
                                        if (++polls == 1) throw std::runtime_error("no");
                                        return std::optional<int>();
                                    }),
                                    b.stream());
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        assert_pending(poll_once(source));
        b.give(std::optional(3));
        CHECK(assert_ready(poll_once(source)).value() == 3);
    }

    TEST_CASE("merge: items may be only movable, one allocation for all") {
        std::vector<std::unique_ptr<int>> items;
        items.push_back(std::make_unique<int>(1));
        auto source = pollux::merge(pollux::iter(std::move(items)), pollux::iter(std::vector<std::unique_ptr<int>>()));
        CHECK(*pollux::test::drain(source).at(0) == 1);
        auto numbers = pollux::merge(pollux::iter(std::vector<int>(500, 1)), pollux::iter(std::vector<int>(500, 1)));
        const pollux::test::allocation_counter allocations;
        int sum = 0;
        while (auto item = assert_ready(poll_once(numbers))) sum += *item;
        CHECK(sum == 1000);
        CHECK(allocations.count() == 1);
    }

    TEST_CASE("merge: keeps both sides until it is destroyed") {
        std::vector<std::string> log;
        {
            const auto ended = [&log](const char* name) {
                return pollux::poll_stream_fn([kept = pollux::test::mark(log, name)](pollux::context&) {
                    return pollux::polled<std::optional<int>>(std::optional<int>());
                });
            };
            auto source = pollux::merge(ended("a"), ended("b"));
            CHECK_FALSE(assert_ready(poll_once(source)).has_value());
            CHECK(log.empty());
        }
        CHECK(log.size() == 2);
    }

    TEST_CASE("merge: may be moved before its first poll, and is refused with a message after it") {
        side a;
        side b;
        auto source = pollux::merge(a.stream(), b.stream());
        auto moved = std::move(source);
        assert_pending(poll_once(moved));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}

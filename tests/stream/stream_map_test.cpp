// SPDX-License-Identifier: MIT
#include "pollux/stream/stream_map.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/drain.hpp"
#include "support/growing_set.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::stream_map;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using answer = pollux::polled<std::optional<int>, std::string>;
using source = pollux::boxed_stream<int, std::string>;
using map_type = stream_map<int, source>;

// A stream that gives what was put into `next`, and is pending without; it throws if there is an exception.
struct side {
    std::optional<answer> next;
    bool throws = false;
    pollux::waker latest;
    int polls = 0;
    std::shared_ptr<int> alive = std::make_shared<int>(0);

    source stream() {
        return pollux::poll_stream_fn([this, kept = alive](pollux::context& cx) -> answer {
            ++polls;
            if (throws) throw std::runtime_error("no");
            latest = cx.waker();
            if (!next.has_value()) return pollux::pending;
            answer given = std::move(*next);
            next.reset();
            return given;
        });
    }
    bool is_alive() const { return alive.use_count() > 1; }
    void wake() { std::exchange(latest, pollux::waker()).wake(); }
    void give(answer item) {
        next.emplace(std::move(item));
        wake();
    }
};

// A stream that is pending for ever, and calls `fn` when it is destroyed.
source calls_at_end(std::function<void()> fn) {
    struct caller {
        explicit caller(std::function<void()> to_call) : fn(std::move(to_call)) {}
        caller(const caller&) = delete;
        caller& operator=(const caller&) = delete;
        ~caller() { fn(); }
        std::function<void()> fn;
    };
    return pollux::poll_stream_fn(
        [kept = std::make_unique<caller>(std::move(fn))](pollux::context&) -> answer { return pollux::pending; });
}

}  // namespace

TEST_SUITE("stream/stream_map") {
    TEST_CASE("stream_map: gives pairs of key and item; a stream that has ended is removed") {
        side a;
        side b;
        map_type map;
        static_assert(pollux::stream<map_type>);
        static_assert(std::is_same_v<map_type::value_type, std::pair<int, int>>);
        static_assert(std::is_same_v<map_type::error_type, std::string>);
        static_assert(!std::is_copy_constructible_v<map_type>);
        CHECK(map.insert(10, a.stream()));
        CHECK(map.insert(20, b.stream()));
        CHECK(map.size() == 2);
        CHECK(a.polls == 0);
        assert_pending(poll_once(map));
        b.give(std::optional(2));
        CHECK(assert_ready(poll_once(map)).value() == std::pair(20, 2));
        a.give(std::unexpected("a"));
        CHECK(assert_ready(poll_once(map)).error() == "a");
        assert_pending(poll_once(map));
        CHECK(map.size() == 2);
        a.give(std::optional<int>());
        assert_pending(poll_once(map));
        CHECK_FALSE(a.is_alive());
        CHECK(map.size() == 1);
        b.give(std::optional<int>());
        CHECK_FALSE(assert_ready(poll_once(map)).value().has_value());
        CHECK(map.empty());
    }

    TEST_CASE("stream_map: an insert replaces the stream of the same key and says so") {
        side a;
        side b;
        map_type map;
        CHECK(map.insert(1, a.stream()));
        assert_pending(poll_once(map));
        CHECK_FALSE(map.insert(1, b.stream()));
        CHECK_FALSE(a.is_alive());
        CHECK(map.size() == 1);
        assert_pending(poll_once(map));
        CHECK(b.polls == 1);
        b.give(std::optional(5));
        CHECK(assert_ready(poll_once(map)).value() == std::pair(1, 5));
    }

    TEST_CASE("stream_map: remove destroys a stream, and says whether there was one") {
        side a;
        map_type map;
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        map.insert(1, a.stream());
        assert_pending(map.poll_next(cx));
        CHECK_FALSE(map.remove(2));
        CHECK(waker.count() == 0);
        CHECK(map.remove(1));
        CHECK_FALSE(a.is_alive());
        CHECK(waker.count() == 1);  // who waited for it is at the end
        CHECK_FALSE(map.remove(1));
        CHECK_FALSE(assert_ready(map.poll_next(cx)).value().has_value());
    }

    TEST_CASE("stream_map: is at its end when empty, goes on after an insert, which wakes who waits") {
        map_type map;
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        CHECK_FALSE(assert_ready(map.poll_next(cx)).value().has_value());
        side a;
        map.insert(1, a.stream());
        CHECK(waker.count() == 1);
        assert_pending(map.poll_next(cx));
        side b;
        map.insert(2, b.stream());
        CHECK(waker.count() == 2);
        assert_pending(map.poll_next(cx));
        CHECK(a.polls == 1);
        CHECK(b.polls == 1);
        b.give(std::optional(1));
        CHECK(waker.count() == 3);
        CHECK(assert_ready(map.poll_next(cx)).value() == std::pair(2, 1));
        side c;
        map.insert(3, c.stream());
        CHECK(waker.count() == 3);  // whoever has just got an item does not wait
    }

    TEST_CASE("stream_map: a wake-up polls only the stream that was woken") {
        std::vector<side> sides(100);
        map_type map;
        for (std::size_t i = 0; i != sides.size(); ++i) map.insert(static_cast<int>(i), sides[i].stream());
        assert_pending(poll_once(map));
        sides[57].wake();
        assert_pending(poll_once(map));
        int polls = 0;
        for (auto& each : sides) polls += each.polls;
        CHECK(polls == 101);
    }

    TEST_CASE("stream_map: streams that always have items take turns") {
        stream_map<int, decltype(pollux::iter(std::vector<int>()))> map;
        for (int key = 0; key < 3; ++key) map.insert(int(key), pollux::iter({10 * key, 10 * key + 1}));
        std::vector<int> keys;
        for (const auto& [key, item] : pollux::test::drain(map)) {
            CHECK(item / 10 == key);
            keys.push_back(key);
        }
        CHECK(keys == std::vector<int>{0, 1, 2, 0, 1, 2});
    }

    TEST_CASE("stream_map: an exception drops the stream that threw, and the map goes on") {
        side a;
        side b;
        map_type map;
        map.insert(1, a.stream());
        map.insert(2, b.stream());
        assert_pending(poll_once(map));
        a.throws = true;
        a.wake();
        CHECK_THROWS_AS(poll_once(map), std::runtime_error);
        CHECK_FALSE(a.is_alive());
        CHECK(map.size() == 1);
        a.throws = false;
        CHECK(map.insert(1, a.stream()));
        b.give(std::optional(3));
        CHECK(assert_ready(poll_once(map)).value() == std::pair(2, 3));
    }

    TEST_CASE("stream_map: finds what a plain map finds, however it grows and shrinks") {
        struct empty {
            using value_type = int;
            using error_type = pollux::never;
            pollux::polled<std::optional<int>> poll_next(pollux::context&) { return pollux::pending; }
        };
        stream_map<std::string, empty> map;
        std::map<std::string, bool> plain;
        unsigned random = 1;
        for (int step = 0; step < 5'000; ++step) {
            CAPTURE(step);
            random = random * 1664525U + 1013904223U;
            const std::string key = std::to_string((random >> 16U) % 300 * 64);
            if ((random >> 8U) % 3 != 0) {
                const bool is_new = plain.emplace(key, true).second;
                CHECK(map.insert(key, empty()) == is_new);
            } else {
                CHECK(map.remove(key) == (plain.erase(key) == 1));
            }
            CHECK(map.size() == plain.size());
        }
    }

    TEST_CASE("stream_map: may be moved while its streams are in flight; a drop destroys all") {
        side a;
        side b;
        {
            map_type map;
            map.insert(1, a.stream());
            assert_pending(poll_once(map));
            map_type moved = std::move(map);
            CHECK_FALSE(map.remove(1));
            CHECK(map.insert(1, b.stream()));
            a.give(std::optional(4));
            CHECK(assert_ready(poll_once(moved)).value() == std::pair(1, 4));
            map = std::move(moved);
            CHECK_FALSE(b.is_alive());
            CHECK(map.size() == 1);
            CHECK(a.is_alive());
        }
        CHECK_FALSE(a.is_alive());
    }

    TEST_CASE(
        "stream_map: streams that are always ready yield when the budget of the poll is spent, and lose nothing") {
        stream_map<int, decltype(pollux::iter(std::vector<int>()))> map;
        for (int key = 0; key < 4; ++key) map.insert(int(key), pollux::iter({1, 2, 3}));
        pollux::testing::counting_waker waker;
        pollux::detail::poll_budget budget = pollux::test::budget_of(5);
        pollux::context cx(waker.waker(), &budget);
        for (int i = 0; i < 5; ++i) CHECK(assert_ready(map.poll_next(cx)).has_value());
        assert_pending(map.poll_next(cx));
        CHECK(waker.count() == 1);
        CHECK(pollux::test::drain(map).size() == 7);
    }

    TEST_CASE("stream_map: items may be only movable") {
        std::vector<std::unique_ptr<int>> items;
        items.push_back(std::make_unique<int>(1));
        stream_map<int, decltype(pollux::iter(std::vector<std::unique_ptr<int>>()))> map;
        map.insert(7, pollux::iter(std::move(items)));
        const auto all = pollux::test::drain(map);
        REQUIRE(all.size() == 1);
        CHECK(all[0].first == 7);
        CHECK(*all[0].second == 1);
    }

    // The dying stream was out of its chain, but still among all: a table that grew linked it in again.
    TEST_CASE("stream_map: the destructor of a stream may insert so many that the table grows, and remove") {
        map_type map;
        side others;
        std::size_t size_in_destructor = 0;
        const auto refill = [&](int from) {
            return calls_at_end([&, from] {
                size_in_destructor = map.size();
                CHECK_FALSE(map.remove(from));
                for (int key = 1; key != 40; ++key) map.insert(from + key, others.stream());
            });
        };
        map.insert(0, refill(0));
        CHECK(map.remove(0));
        CHECK_FALSE(map.remove(0));
        CHECK(size_in_destructor == 0);
        CHECK(map.size() == 39);
        for (int key = 1; key != 40; ++key) CHECK(map.remove(key));
        CHECK(map.empty());
        // In place of another of the same key, and at its end.
        map.insert(100, calls_at_end([&] {
                       for (int key = 1; key != 90; ++key) map.insert(100 + key, others.stream());
                   }));
        CHECK_FALSE(map.insert(100, others.stream()));
        CHECK(map.size() == 90);
        for (int key = 0; key != 90; ++key) CHECK(map.remove(100 + key));
        CHECK_FALSE(others.is_alive());
    }

    // The table was destroyed before the streams, and an assignment destroyed the old streams while their chains stood.
    TEST_CASE("stream_map: the destructor of a stream may use the map that is destroyed or assigned to") {
        side others;
        int calls = 0;
        {
            map_type map;
            for (int key = 0; key != 4; ++key) {
                map.insert(int(key), calls_at_end([&, key] {
                               ++calls;
                               CHECK_FALSE(map.remove(key));
                               map.insert(100 + key, others.stream());
                               map.remove(key + 1);
                           }));
            }
        }
        CHECK(calls == 4);
        CHECK_FALSE(others.is_alive());

        map_type map;
        for (int key = 0; key != 4; ++key) {
            map.insert(int(key), calls_at_end([&, key] {
                           ++calls;
                           CHECK_FALSE(map.remove(key));
                           map.insert(100 + key, others.stream());
                       }));
        }
        map_type next;
        next.insert(50, others.stream());
        map = std::move(next);
        CHECK(calls == 8);
        CHECK(map.size() == 5);
        CHECK(map.remove(50));
        for (int key = 0; key != 4; ++key) CHECK(map.remove(100 + key));
        CHECK(map.empty());
        CHECK_FALSE(others.is_alive());
    }

    // The table was empty after it, the set full: the next removal found nothing, the next growth took the wrong size.
    TEST_CASE("stream_map: moved onto itself it stays as it was") {
        side a;
        map_type map;
        map.insert(1, a.stream());
        assert_pending(poll_once(map));
        map_type& same = map;
        map = std::move(same);
        CHECK(map.size() == 1);
        CHECK_FALSE(map.insert(1, a.stream()));
        a.give(std::optional(4));
        CHECK(assert_ready(poll_once(map)).value() == std::pair(1, 4));
        CHECK(map.remove(1));
        CHECK(map.empty());
        CHECK_FALSE(a.is_alive());
    }

    // It was polled in the same poll: a stream that inserts its like kept one poll going for ever.
    TEST_CASE("stream_map: what the poll of a stream inserts is polled with the next poll, and wakes its task") {
        map_type map;
        const auto make = [](auto fn) -> source {
            return pollux::poll_stream_fn([fn = std::move(fn)](pollux::context&) mutable -> answer {
                fn();
                return pollux::pending;
            });
        };
        pollux::test::check_that_additions_wait_for_the_next_poll(
            map, make, [](auto& to, int key, source one) { to.insert(int(key), std::move(one)); });
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/stream/stream_map.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
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
}

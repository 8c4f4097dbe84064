// SPDX-License-Identifier: MIT
// The sets whose children are woken by other threads, while they are pushed, finished, dropped and moved.
#include "pollux/stream/futures_unordered.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/join_all.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/stream/stream_map.hpp"
#include "support/manual_event.hpp"
#include "support/mixed.hpp"

namespace {

using pollux::test::manual_event;
using pollux::test::mixed;
using event_set = pollux::futures_unordered<manual_event::wait_future>;

// Wakes events at random, some without setting them, until it has set all of its own.
void set_all(std::vector<manual_event>& events, std::size_t first, std::size_t step, std::uint64_t seed) {
    for (std::size_t i = first; i < events.size(); i += step) {
        seed = mixed(seed);
        if (seed % 3 == 0) events[seed / 3 % events.size()].wake();
        const pollux::waker kept = events[i].kept_waker();
        events[i].set();
        if (seed % 5 == 0) kept.wake();  // after its future has gone, or nearly so
    }
}

}  // namespace

TEST_SUITE("stream/sets stress") {
    TEST_CASE("futures_unordered: every future finishes once, whichever thread wakes it") {
        constexpr std::size_t count = 2'000;
        for (std::uint64_t round = 0; round < 5; ++round) {
            CAPTURE(round);
            std::vector<manual_event> events(count);
            event_set set;
            std::size_t pushed = 0;
            for (; pushed != count / 2; ++pushed) set.push(events[pushed].wait());
            std::size_t finished = 0;
            std::vector<std::thread> threads;
            for (std::size_t i = 0; i != 2; ++i)
                threads.emplace_back([&, i] { set_all(events, i, 2, round * 2 + i + 1); });
            while (auto one = pollux::block_on(pollux::next(set))) {
                ++finished;
                // Two for one, until there are no more; and it moves.
                for (int i = 0; i < 2 && pushed != count; ++i) set.push(events[pushed++].wait());
                if (finished % 100 == 0) {
                    event_set moved = std::move(set);
                    set = std::move(moved);
                }
            }
            for (auto& each : threads) each.join();
            CHECK(finished == count);
            for (auto& each : events) CHECK(each.waiting() == 0);
        }
    }

    TEST_CASE("futures_unordered: a set is dropped while other threads wake its futures") {
        constexpr std::size_t count = 50;
        for (std::uint64_t round = 1; round <= 200; ++round) {
            CAPTURE(round);
            std::vector<manual_event> events(count);
            std::optional<event_set> set(std::in_place);
            for (auto& each : events) set->push(each.wait());
            pollux::context cx(pollux::noop_waker());
            const bool is_pending = set->poll_next(cx).is_pending();
            std::thread waking([&] { set_all(events, 0, 1, round); });
            for (std::uint64_t polls = mixed(round) % 40; polls != 0; --polls) static_cast<void>(set->poll_next(cx));
            set.reset();
            waking.join();
            CHECK(is_pending);
            for (auto& each : events) CHECK(each.waiting() == 0);
        }
    }

    TEST_CASE("join_all: is ready once, whichever thread wakes its futures") {
        constexpr std::size_t count = 1'000;
        for (std::uint64_t round = 1; round <= 5; ++round) {
            CAPTURE(round);
            std::vector<manual_event> events(count);
            std::vector<manual_event::wait_future> futures;
            for (auto& each : events) futures.push_back(each.wait());
            std::vector<std::thread> threads;
            for (std::size_t i = 0; i != 2; ++i) threads.emplace_back([&, i] { set_all(events, i, 2, round * 2 + i); });
            const auto units = pollux::block_on(pollux::join_all(std::move(futures)));
            for (auto& each : threads) each.join();
            CHECK(units.size() == count);
        }
    }

    TEST_CASE("stream_map: no item is lost when other threads wake its streams") {
        // Counts what a thread has put in; many wake-ups may be one.
        struct counter {
            std::atomic<int> put{0};
            manual_event event;
        };
        struct counted {
            using value_type = int;
            using error_type = pollux::never;
            pollux::polled<std::optional<int>> poll_next(pollux::context& cx) {
                static_cast<void>(waiting->poll(cx));  // registers, then looks
                if (taken == source->put.load(std::memory_order::acquire)) return pollux::pending;
                if (taken++ == limit) return std::optional<int>();
                return std::optional<int>(taken);
            }
            counter* source;
            int limit;
            std::unique_ptr<manual_event::wait_future> waiting;
            int taken = 0;
        };
        constexpr int limit = 500;
        constexpr std::size_t width = 20;
        std::vector<counter> counters(width);
        pollux::stream_map<std::size_t, counted> map;
        for (std::size_t i = 0; i != width; ++i)
            map.insert(std::size_t(i), counted{&counters[i], limit,
                                               std::make_unique<manual_event::wait_future>(counters[i].event.wait())});
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t != 2; ++t) {
            threads.emplace_back([&, t] {
                for (int n = 0; n <= limit; ++n) {
                    for (std::size_t i = t; i < width; i += 2) {
                        counters[i].put.fetch_add(1, std::memory_order::release);
                        counters[i].event.wake();
                    }
                }
            });
        }
        std::vector<int> last(width);
        bool in_order = true;
        while (auto item = pollux::block_on(pollux::next(map)))
            in_order = in_order && item->second == ++last[item->first];
        for (auto& each : threads) each.join();
        CHECK(in_order);
        for (const int n : last) CHECK(n == limit);
    }
}

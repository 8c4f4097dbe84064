// SPDX-License-Identifier: MIT
#include "pollux/stream/buffered.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "support/allocation_counter.hpp"
#include "support/drain.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using job = pollux::test::manual<int, std::string>;

// The futures of some jobs as a stream that is always ready.
auto futures_of(std::vector<job>& jobs) {
    std::vector<job::future_type> futures;
    for (auto& each : jobs) futures.push_back(each.future());
    return pollux::iter(std::move(futures));
}

}  // namespace

TEST_SUITE("stream/buffered") {
    TEST_CASE("buffered: results come in the order of the source, whatever finishes first") {
        std::vector<job> jobs(3);
        auto source = pollux::buffered(futures_of(jobs), 3);
        static_assert(std::is_same_v<decltype(source)::value_type, int>);
        static_assert(std::is_same_v<decltype(source)::error_type, std::string>);
        assert_pending(poll_once(source));
        jobs[2].complete(2);
        jobs[1].complete(std::unexpected("one"));
        assert_pending(poll_once(source));
        CHECK_FALSE(jobs[1].is_alive());
        jobs[0].complete(0);
        CHECK(assert_ready(poll_once(source)).value() == 0);
        CHECK(assert_ready(poll_once(source)).error() == "one");
        CHECK(assert_ready(poll_once(source)).value() == 2);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("buffered: takes no more than n from the source, results that wait included") {
        std::vector<job> jobs(4);
        auto source = futures_of(jobs) | pollux::buffered(2);
        assert_pending(poll_once(source));
        CHECK(jobs[1].polls() == 1);
        CHECK(jobs[2].polls() == 0);
        jobs[1].complete(1);
        assert_pending(poll_once(source));
        CHECK(jobs[2].polls() == 0);
        jobs[0].complete(0);
        CHECK(assert_ready(poll_once(source)).value() == 0);
        CHECK(jobs[2].polls() == 0);
        CHECK(assert_ready(poll_once(source)).value() == 1);
        CHECK(jobs[2].polls() == 1);
        CHECK(jobs[3].polls() == 0);
    }

    TEST_CASE("buffered: a wake-up polls only the future that was woken") {
        std::vector<job> jobs(100);
        auto source = pollux::buffered(futures_of(jobs), 100);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(source.poll_next(cx));
        jobs[57].complete(57);
        CHECK(waker.count() == 1);
        assert_pending(source.poll_next(cx));
        CHECK(jobs[57].polls() == 2);
        int polls = 0;
        for (auto& each : jobs) polls += each.polls();
        CHECK(polls == 101);
    }

    TEST_CASE("buffered: of more than 64 at a time, too, a wake-up polls only those that were woken") {
        std::vector<job> jobs(200);
        auto source = pollux::buffered(futures_of(jobs), 150);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(source.poll_next(cx));
        for (std::size_t i = 0; i != jobs.size(); ++i) CHECK(jobs[i].polls() == (i < 150 ? 1 : 0));
        const std::size_t woken[] = {149, 64, 63, 0, 70};
        for (const std::size_t i : woken) jobs[i].complete(static_cast<int>(i));
        CHECK(waker.count() == 1);
        CHECK(assert_ready(source.poll_next(cx)).value() == 0);
        assert_pending(source.poll_next(cx));
        std::size_t polled_twice = 0;
        for (const auto& each : jobs) polled_twice += each.polls() == 2;
        CHECK(polled_twice == 5);
        for (const std::size_t i : woken) CHECK(jobs[i].polls() == 2);
        CHECK(jobs[150].polls() == 1);  // in the place of the first
        jobs[150].complete(150);
        CHECK(waker.count() == 2);
        for (std::size_t i = 1; i != 150; ++i)
            if (jobs[i].is_alive()) jobs[i].complete(static_cast<int>(i));
        for (int i = 1; i != 151; ++i) CHECK(assert_ready(source.poll_next(cx)).value() == i);
    }

    TEST_CASE("buffered: the waker of the latest poll is woken") {
        std::vector<job> jobs(1);
        auto source = pollux::buffered(futures_of(jobs), 1);
        pollux::testing::counting_waker early;
        pollux::testing::counting_waker late;
        pollux::context early_cx(early.waker());
        pollux::context late_cx(late.waker());
        assert_pending(source.poll_next(early_cx));
        assert_pending(source.poll_next(late_cx));
        jobs[0].complete(1);
        CHECK(early.count() == 0);
        CHECK(late.count() == 1);
    }

    TEST_CASE("buffered: an error of the source comes at once and ends nothing") {
        int polls = 0;
        std::vector<job> jobs(1);
        auto futures = pollux::poll_stream_fn(
            [&](pollux::context&) -> pollux::polled<std::optional<job::future_type>, std::string> {
                ++polls;
                if (polls == 1) return std::optional(jobs[0].future());
                if (polls == 2) return std::unexpected("source");
                return std::nullopt;
            });
        auto source = pollux::buffered(std::move(futures), 4);
        CHECK(assert_ready(poll_once(source)).error() == "source");
        assert_pending(poll_once(source));
        jobs[0].complete(3);
        CHECK(assert_ready(poll_once(source)).value() == 3);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("buffered: a future of nothing gives unit") {
        auto source = pollux::iter({1, 2}) | pollux::map([](int) { return pollux::ready(); }) | pollux::buffered(1);
        static_assert(std::is_same_v<decltype(source)::value_type, pollux::unit>);
        CHECK(pollux::test::drain(source).size() == 2);
    }

    TEST_CASE("buffered: an exception of a future destroys the others, goes up, and the stream is at its end") {
        std::vector<job> jobs(3);
        auto source = pollux::buffered(futures_of(jobs), 2);
        assert_pending(poll_once(source));
        jobs[1].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(source), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
        CHECK(jobs[2].polls() == 0);
        CHECK_FALSE(assert_ready(poll_once(source)).value().has_value());
    }

    TEST_CASE("buffered: a drop destroys the futures in flight before the source") {
        std::vector<std::string> log;
        {
            auto source = pollux::iter({1, 2}) | pollux::map([&log, kept = pollux::test::mark(log, "closure")](int n) {
                              return pollux::test::marked_future(pollux::test::mark(log, "future"), 1000, n);
                          }) |
                          pollux::buffered(2);
            assert_pending(poll_once(source));
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"future", "future", "closure"});
    }

    TEST_CASE("buffered: a waker that is kept does no harm to a later future or after the end") {
        std::vector<job> jobs(2);
        pollux::waker kept;
        pollux::testing::counting_waker waker;
        {
            auto source = pollux::buffered(futures_of(jobs), 1);
            pollux::context cx(waker.waker());
            assert_pending(source.poll_next(cx));
            kept = jobs[0].kept_waker();
            jobs[0].complete(0);
            CHECK(assert_ready(source.poll_next(cx)).value() == 0);
            kept.wake();  // of a place that is free
            assert_pending(source.poll_next(cx));
            CHECK(jobs[1].polls() == 2);  // once when it came, once for the old waker of its place
            assert_pending(source.poll_next(cx));
            CHECK(jobs[1].polls() == 2);
            kept.wake();  // of the future that has its place now
            assert_pending(source.poll_next(cx));
            CHECK(jobs[1].polls() == 3);
        }
        const auto before = waker.count();
        kept.wake();
        CHECK(waker.count() == before);
    }

    TEST_CASE("buffered: a future that wakes itself is polled once a poll, and asks for the next") {
        int polls = 0;
        auto source = pollux::iter({1}) | pollux::map([&polls](int n) {
                          return pollux::poll_fn([&polls, n](pollux::context& cx) -> pollux::polled<int> {
                              cx.waker().wake();
                              if (++polls < 4) return pollux::pending;
                              return n;
                          });
                      }) |
                      pollux::buffered(3);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        for (int round = 1; round < 4; ++round) {
            CAPTURE(round);
            assert_pending(source.poll_next(cx));
            CHECK(polls == round);
            CHECK(waker.count() == static_cast<std::size_t>(round));
        }
        CHECK(assert_ready(source.poll_next(cx)) == 1);
    }

    TEST_CASE("buffered: a source without end yields when the budget of the poll is spent") {
        pollux::detail::poll_budget budget = pollux::test::budget_of(5);
        int taken = 0;
        auto source = pollux::poll_stream_fn([&taken](pollux::context&) {
                          ++taken;
                          return pollux::polled<std::optional<int>>(taken);
                      }) |
                      pollux::map([](int) { return pollux::never_ready<int>(); }) | pollux::buffered(1000);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker(), &budget);
        assert_pending(source.poll_next(cx));
        CHECK(taken == 5);
        CHECK(waker.count() == 1);
    }

    TEST_CASE("buffered: one allocation at the first poll and none for an item") {
        std::vector<int> numbers(1000, 1);
        auto source = pollux::iter(std::move(numbers)) | pollux::map([](int n) { return pollux::ready(n); }) |
                      pollux::buffered(8);
        const pollux::test::allocation_counter allocations;
        int sum = 0;
        while (auto item = assert_ready(poll_once(source))) sum += *item;
        CHECK(sum == 1000);
        CHECK(allocations.count() == 1);
    }

    TEST_CASE("buffered: zero is refused where it is written") {
        CHECK_THROWS_AS(static_cast<void>(pollux::buffered(0)), std::invalid_argument);
        std::vector<job> jobs(1);
        CHECK_THROWS_AS(static_cast<void>(pollux::buffered(futures_of(jobs), 0)), std::invalid_argument);
    }

    TEST_CASE("buffered: may be moved before its first poll, and is refused with a message after it") {
        std::vector<job> jobs(1);
        auto source = pollux::buffered(futures_of(jobs), 1);
        auto moved = std::move(source);
        assert_pending(poll_once(moved));
        const auto message = pollux::test::message_of_abort([&] { auto again = std::move(moved); });
        CHECK(message.starts_with("pollux: a future was moved or copied after its first poll; "));
    }
}

TEST_SUITE("stream/buffered stress") {
    TEST_CASE("buffered: no wake-up is lost when another thread completes the futures") {
        // A leaf that another thread completes: it stores the waker, then looks.
        struct leaf {
            pollux::waker waker;
            std::atomic<int> state{0};  // 0: nothing, 1: a waker is stored, 2: done
        };
        constexpr int rounds = 20'000;
        constexpr std::size_t width = 4;
        std::vector<leaf> leaves(rounds);
        std::atomic<int> made{0};
        pollux::testing::counting_waker waker;
        int unwoken_waits = 0;
        int results = 0;
        std::thread completer([&] {
            for (int i = 0; i < rounds; ++i) {
                while (made.load(std::memory_order::acquire) <= i) std::this_thread::yield();
                auto& each = leaves[static_cast<std::size_t>(i)];
                if (each.state.exchange(2, std::memory_order::acq_rel) == 1) each.waker.wake();
            }
        });
        {
            auto source = pollux::poll_stream_fn([&](pollux::context&) -> pollux::polled<std::optional<leaf*>> {
                              const int index = made.load(std::memory_order::relaxed);
                              if (index == rounds) return std::nullopt;
                              made.store(index + 1, std::memory_order::release);
                              return &leaves[static_cast<std::size_t>(index)];
                          }) |
                          pollux::map([](leaf* each) {
                              return pollux::poll_fn([each](pollux::context& cx) -> pollux::polled<int> {
                                  // One look: it may be done between two, and then nobody has a waker.
                                  const int seen = each->state.load(std::memory_order::acquire);
                                  if (seen == 2) return 1;
                                  if (seen == 0) {
                                      each->waker = cx.waker();
                                      int expected = 0;
                                      if (!each->state.compare_exchange_strong(expected, 1, std::memory_order::acq_rel))
                                          return 1;
                                  }
                                  return pollux::pending;
                              });
                          }) |
                          pollux::buffered(width);
            pollux::context cx(waker.waker());
            for (;;) {
                const auto seen = waker.count();
                auto item = source.poll_next(cx);
                if (item.is_pending()) {
                    // Bounded, so that a lost wake-up fails and does not hang.
                    int spins = 0;
                    while (waker.count() == seen && spins < 50'000'000) {
                        ++spins;
                        std::this_thread::yield();
                    }
                    if (waker.count() == seen) {
                        ++unwoken_waits;
                        break;
                    }
                    continue;
                }
                if (!item.value().has_value()) break;
                results += *item.value();
            }
        }
        made.store(rounds, std::memory_order::release);
        completer.join();
        CHECK(unwoken_waits == 0);
        CHECK(results == rounds);
    }
}

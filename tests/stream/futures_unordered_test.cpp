// SPDX-License-Identifier: MIT
#include "pollux/stream/futures_unordered.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "support/drain.hpp"
#include "support/growing_set.hpp"
#include "support/limited_poll.hpp"
#include "support/manual_future.hpp"
#include "support/small_stack.hpp"
#include "support/tracked.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::futures_unordered;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using job = pollux::test::manual<int, std::string>;
using job_set = futures_unordered<job::future_type>;

job_set set_of(std::vector<job>& jobs) {
    job_set set;
    for (auto& each : jobs) set.push(each.future());
    return set;
}

int polls_of(const std::vector<job>& jobs) {
    int polls = 0;
    for (const auto& each : jobs) polls += each.polls();
    return polls;
}

}  // namespace

TEST_SUITE("stream/futures_unordered") {
    TEST_CASE("futures_unordered: results come as the futures finish, and an error is one of them") {
        std::vector<job> jobs(3);
        auto set = set_of(jobs);
        static_assert(pollux::stream<job_set>);
        static_assert(std::is_same_v<job_set::value_type, int>);
        static_assert(std::is_same_v<job_set::error_type, std::string>);
        static_assert(!std::is_copy_constructible_v<job_set> && !std::is_copy_assignable_v<job_set>);
        CHECK(polls_of(jobs) == 0);
        CHECK(set.size() == 3);
        assert_pending(poll_once(set));
        CHECK(polls_of(jobs) == 3);
        jobs[2].complete(2);
        jobs[0].complete(std::unexpected("zero"));
        CHECK(assert_ready(poll_once(set)).value() == 2);
        CHECK_FALSE(jobs[2].is_alive());
        CHECK(set.size() == 2);
        CHECK(assert_ready(poll_once(set)).error() == "zero");
        CHECK_FALSE(jobs[0].is_alive());
        assert_pending(poll_once(set));
        jobs[1].complete(1);
        CHECK(assert_ready(poll_once(set)).value() == 1);
        CHECK(set.empty());
        CHECK_FALSE(assert_ready(poll_once(set)).value().has_value());
    }

    TEST_CASE("futures_unordered: an empty set is at its end, and a push brings it back and wakes who found it so") {
        job_set set;
        CHECK(set.empty());
        pollux::test::wake_counter waker;
        const auto task = waker.waker();
        pollux::context cx(task);
        CHECK_FALSE(assert_ready(set.poll_next(cx)).value().has_value());
        job late;
        set.push(late.future());
        CHECK(waker.count() == 1);
        CHECK(late.polls() == 0);
        assert_pending(set.poll_next(cx));
        CHECK(late.polls() == 1);
        late.complete(4);
        CHECK(waker.count() == 2);
        CHECK(assert_ready(set.poll_next(cx)).value() == 4);
        job next;
        set.push(next.future());
        CHECK(waker.count() == 2);  // whoever has just got a result does not wait
    }

    TEST_CASE("futures_unordered: a push wakes who waits for the others") {
        std::vector<job> jobs(1);
        auto set = set_of(jobs);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        job late;
        set.push(late.future());
        job later;
        set.push(later.future());
        CHECK(waker.count() == 1);
        assert_pending(set.poll_next(cx));
        CHECK(jobs[0].polls() == 1);
        CHECK(late.polls() == 1);
        CHECK(later.polls() == 1);
    }

    TEST_CASE("futures_unordered: a wake-up polls only the future that was woken, the first to be woken first") {
        std::vector<job> jobs(100);
        auto set = set_of(jobs);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        CHECK(polls_of(jobs) == 100);
        jobs[57].wake();
        CHECK(waker.count() == 1);
        assert_pending(set.poll_next(cx));
        CHECK(polls_of(jobs) == 101);
        for (const std::size_t index : {90U, 3U, 41U}) jobs[index].complete(static_cast<int>(index));
        CHECK(waker.count() == 2);
        CHECK(assert_ready(set.poll_next(cx)).value() == 90);
        CHECK(assert_ready(set.poll_next(cx)).value() == 3);
        CHECK(assert_ready(set.poll_next(cx)).value() == 41);
        CHECK(polls_of(jobs) == 104);
    }

    TEST_CASE("futures_unordered: the waker of the latest poll is woken") {
        std::vector<job> jobs(1);
        auto set = set_of(jobs);
        pollux::testing::counting_waker early;
        pollux::testing::counting_waker late;
        pollux::context early_cx(early.waker());
        pollux::context late_cx(late.waker());
        assert_pending(set.poll_next(early_cx));
        assert_pending(set.poll_next(late_cx));
        jobs[0].complete(1);
        CHECK(early.count() == 0);
        CHECK(late.count() == 1);
    }

    TEST_CASE("futures_unordered: a future that wakes itself is polled once a poll and lets the others go first") {
        int polls = 0;
        futures_unordered<pollux::boxed_future<int>> set;
        set.push(pollux::poll_fn([&polls](pollux::context& cx) -> pollux::polled<int> {
            cx.waker().wake();
            if (++polls < 3) return pollux::pending;
            return 1;
        }));
        pollux::test::manual<int> other;
        set.push(other.future());
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        CHECK(polls == 1);
        CHECK(waker.count() == 1);
        other.complete(2);  // behind the other's own wake-up
        CHECK(assert_ready(set.poll_next(cx)) == 2);
        CHECK(polls == 2);
        CHECK(assert_ready(set.poll_next(cx)) == 1);
        CHECK(polls == 3);
    }

    TEST_CASE("futures_unordered: an exception drops the future that threw, and the set goes on") {
        std::vector<job> jobs(2);
        auto set = set_of(jobs);
        assert_pending(poll_once(set));
        jobs[0].complete_by_throwing(std::runtime_error("no"));
        CHECK_THROWS_AS(poll_once(set), std::runtime_error);
        CHECK_FALSE(jobs[0].is_alive());
        CHECK(set.size() == 1);
        assert_pending(poll_once(set));
        jobs[1].complete(1);
        CHECK(assert_ready(poll_once(set)).value() == 1);
        CHECK_FALSE(assert_ready(poll_once(set)).value().has_value());
    }

    TEST_CASE("futures_unordered: may be moved while its futures are in flight") {
        std::vector<job> jobs(2);
        auto set = set_of(jobs);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        auto moved = std::move(set);
        CHECK(moved.size() == 2);
        jobs[1].complete(1);
        CHECK(waker.count() == 1);
        CHECK(assert_ready(moved.poll_next(cx)).value() == 1);
        job more;
        set.push(more.future());  // what was moved from is an empty set
        CHECK(set.size() == 1);
        assert_pending(set.poll_next(cx));
        CHECK(more.polls() == 1);
    }

    TEST_CASE("futures_unordered: an assignment destroys what was there and wakes who waited for it") {
        std::vector<job> jobs(2);
        job_set set;
        set.push(jobs[0].future());
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker());
        assert_pending(set.poll_next(cx));
        job_set other;
        other.push(jobs[1].future());
        set = std::move(other);
        CHECK(waker.count() == 1);
        CHECK_FALSE(jobs[0].is_alive());
        CHECK(jobs[1].is_alive());
        CHECK(set.size() == 1);
        assert_pending(set.poll_next(cx));
        CHECK(jobs[1].polls() == 1);
    }

    TEST_CASE("futures_unordered: dropping it destroys its futures in the order of push") {
        std::vector<std::string> log;
        {
            futures_unordered<pollux::test::marked_future> set;
            set.push({pollux::test::mark(log, "first"), 1000, 1});
            set.push({pollux::test::mark(log, "second"), 1000, 2});
            assert_pending(poll_once(set));
            set.push({pollux::test::mark(log, "never polled"), 1000, 3});
            CHECK(log.empty());
        }
        CHECK(log == std::vector<std::string>{"first", "second", "never polled"});
    }

    TEST_CASE("futures_unordered: a waker that is kept does no harm after its future or after the set") {
        job first;
        job second;
        pollux::waker kept;
        pollux::test::wake_counter waker;
        const auto task = waker.waker();
        {
            job_set set;
            set.push(first.future());
            pollux::context cx(task);
            assert_pending(set.poll_next(cx));
            kept = first.kept_waker();
            first.complete(1);
            CHECK(assert_ready(set.poll_next(cx)).value() == 1);
            const int before = waker.count();
            kept.wake();
            CHECK(waker.count() == before);  // its future has gone
            set.push(second.future());
            assert_pending(set.poll_next(cx));
            CHECK(second.polls() == 1);
            kept.wake();
            assert_pending(set.poll_next(cx));
            CHECK(second.polls() == 1);
            kept = second.kept_waker();
        }
        CHECK_FALSE(second.is_alive());
        const int before = waker.count();
        kept.wake();
        CHECK(waker.count() == before);
    }

    TEST_CASE("futures_unordered: a future that wakes itself and is ready leaves its node until that has been seen") {
        futures_unordered<pollux::boxed_future<int>> set;
        pollux::waker kept;
        for (int i = 0; i < 3; ++i) {
            set.push(pollux::poll_fn([&kept, i](pollux::context& cx) -> pollux::polled<int> {
                kept = cx.waker();
                kept.wake();
                return i;
            }));
        }
        pollux::test::manual<int> other;
        set.push(other.future());
        for (int i = 0; i < 3; ++i) CHECK(assert_ready(poll_once(set)) == i);
        assert_pending(poll_once(set));
        kept.wake();
        assert_pending(poll_once(set));
        CHECK(other.polls() == 1);
        set.push(pollux::ready(9) | pollux::boxed());
        CHECK(assert_ready(poll_once(set)) == 9);
        CHECK(set.size() == 1);
    }

    TEST_CASE("futures_unordered: futures that are always ready yield when the budget of the poll is spent") {
        futures_unordered<decltype(pollux::ready(1))> set;
        for (int i = 0; i < 100; ++i) set.push(pollux::ready(int(i)));
        pollux::detail::poll_budget budget = pollux::test::budget_of(5);
        pollux::testing::counting_waker waker;
        pollux::context cx(waker.waker(), &budget);
        for (int i = 0; i < 5; ++i) CHECK(assert_ready(set.poll_next(cx)) == i);
        assert_pending(set.poll_next(cx));
        CHECK(waker.count() == 1);
        CHECK(set.size() == 95);
        CHECK(pollux::test::drain(set).size() == 95);
    }

    TEST_CASE("futures_unordered: the first poll of many stops when the budget is spent and goes on where it was") {
        std::vector<job> jobs(20);
        auto set = set_of(jobs);
        pollux::testing::counting_waker waker;
        for (int round = 1; round <= 3; ++round) {
            pollux::detail::poll_budget budget = pollux::test::budget_of(6);
            pollux::context cx(waker.waker(), &budget);
            assert_pending(set.poll_next(cx));
            CHECK(polls_of(jobs) == 6 * round);
            CHECK(waker.count() == static_cast<std::size_t>(round));
        }
        assert_pending(poll_once(set));
        for (auto& each : jobs) CHECK(each.polls() == 1);
    }

    TEST_CASE("futures_unordered: void gives unit, a value may be only movable, a future over-aligned") {
        futures_unordered<decltype(pollux::ready())> nothings;
        static_assert(std::is_same_v<decltype(nothings)::value_type, pollux::unit>);
        nothings.push(pollux::ready());
        CHECK(pollux::test::drain(nothings).size() == 1);

        futures_unordered<pollux::boxed_future<std::unique_ptr<int>>> movables;
        movables.push(pollux::ready(std::make_unique<int>(3)));
        CHECK(*pollux::test::drain(movables).at(0) == 3);

        struct alignas(128) wide {
            using value_type = bool;
            using error_type = pollux::never;
            pollux::polled<bool> poll(pollux::context&) { return reinterpret_cast<std::uintptr_t>(this) % 128 == 0; }
        };
        futures_unordered<wide> wides;
        for (int i = 0; i < 3; ++i) wides.push(wide());
        for (const bool is_aligned : pollux::test::drain(wides)) CHECK(is_aligned);
    }

    TEST_CASE("futures_unordered: a hundred thousand futures are destroyed without nesting") {
        std::atomic<int> alive{0};
        struct leaf {
            using value_type = void;
            using error_type = pollux::never;
            pollux::polled<> poll(pollux::context&) { return pollux::pending; }
            pollux::test::tracked mark;
        };
        const bool is_done = pollux::test::on_small_stack([&alive] {
            futures_unordered<leaf> set;
            for (int i = 0; i < 100'000; ++i) set.push(leaf{pollux::test::tracked(alive)});
            return alive.load() == 100'000 && poll_once(set).is_pending();
        });
        CHECK(is_done);
        CHECK(alive.load() == 0);
    }

    TEST_CASE("futures_unordered: a push that throws leaves the set as it was") {
        struct refusing {
            using value_type = int;
            using error_type = pollux::never;
            explicit refusing(bool refuses_at_once) : refuses(refuses_at_once) {}
            refusing(refusing&& other) : refuses(other.refuses) {
                if (refuses) throw std::runtime_error("no");
            }
            pollux::polled<int> poll(pollux::context&) { return 1; }
            bool refuses;
        };
        futures_unordered<refusing> set;
        set.push(refusing(false));
        CHECK_THROWS_AS(set.push(refusing(true)), std::runtime_error);
        CHECK(set.size() == 1);
        CHECK(pollux::test::drain(set).size() == 1);
    }

    // It was polled in the same poll: a future that pushes its like kept one poll going for ever.
    TEST_CASE("futures_unordered: what the poll of a future pushes is polled with the next poll, and wakes its task") {
        using child = pollux::boxed_future<int>;
        futures_unordered<child> set;
        const auto make = [](auto fn) -> child {
            return pollux::poll_fn([fn = std::move(fn)](pollux::context&) mutable -> pollux::polled<int> {
                fn();
                return pollux::pending;
            });
        };
        pollux::test::check_that_additions_wait_for_the_next_poll(
            set, make, [](auto& to, int, child one) { to.push(std::move(one)); });
    }
}

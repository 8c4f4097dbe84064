// SPDX-License-Identifier: MIT
#include "pollux/sync/watch.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/heap_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/wake_counter.hpp"

namespace {

namespace watch = pollux::sync::watch;
using pollux::block_on;
using pollux::context;
using pollux::test::poll_with;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

static_assert(pollux::stream<watch::receiver<std::string>>);
static_assert(std::is_same_v<watch::receiver<int>::error_type, pollux::never>);
static_assert(std::is_copy_constructible_v<watch::sender<int>> && std::is_copy_constructible_v<watch::receiver<int>>);
static_assert(std::is_nothrow_move_assignable_v<watch::receiver<int>>);
using changed_type = decltype(std::declval<watch::receiver<int>&>().changed());
static_assert(std::is_same_v<pollux::outcome_of<changed_type>, std::expected<void, pollux::sync::disconnected>>);

auto poll_next_with(auto& source, const wake_counter& counter) {
    const auto waker = counter.waker();
    context cx(waker);
    return source.poll_next(cx);
}
template <class T>
std::optional<T> next_of(watch::receiver<T>& rx) {
    auto answer = poll_once(rx);
    if (!answer.has_value()) return std::nullopt;
    return answer.value();
}
bool is_at_end(auto& rx) {
    auto answer = poll_once(rx);
    return answer.has_value() && !answer.value().has_value();
}

}  // namespace

TEST_SUITE("sync/watch") {
    TEST_CASE("as a stream: first the value at hand, then the newest each time, then the end") {
        auto [tx, rx] = watch::channel<int>(1);
        CHECK(next_of(rx) == 1);
        CHECK(poll_once(rx).is_pending());
        tx.send(2);
        tx.send(3);
        CHECK(next_of(rx) == 3);
        CHECK(poll_once(rx).is_pending());
        tx.send(3);
        CHECK(next_of(rx) == 3);
        tx.send(4);
        { const auto dropped = std::move(tx); }
        CHECK(next_of(rx) == 4);
        CHECK(is_at_end(rx));
        CHECK(is_at_end(rx));
        CHECK(rx.get() == 4);
    }

    TEST_CASE("as a stream: the value at hand comes also when the sender is gone already") {
        auto [tx, rx] = watch::channel<std::string>("only");
        { const auto dropped = std::move(tx); }
        CHECK(next_of(rx) == "only");
        CHECK(is_at_end(rx));
    }

    TEST_CASE("get: copies the newest value and does not mark it as seen") {
        auto [tx, rx] = watch::channel<std::string>("a");
        CHECK(rx.get() == "a");
        tx.send("b");
        CHECK(rx.get() == "b");
        const auto changed = block_on(rx.changed());
        CHECK(changed.has_value());
        auto again = rx.changed();
        CHECK(poll_once(again).is_pending());
        CHECK(next_of(rx) == "b");
    }

    TEST_CASE("changed: does nothing before its first poll; the value at hand counts as seen, a newer one once") {
        auto [tx, rx] = watch::channel<int>(1);
        wake_counter task;
        {
            auto fut = rx.changed();
            CHECK(poll_with(fut, task).is_pending());
            CHECK(poll_with(fut, task).is_pending());
            tx.send(2);
            CHECK(task.count() == 1);
            auto answer = poll_with(fut, task);
            REQUIRE(answer.has_value());
        }
        auto fut = rx.changed();
        CHECK(poll_with(fut, task).is_pending());
        { const auto dropped = std::move(tx); }
        CHECK(task.count() == 2);
        CHECK(poll_with(fut, task).has_error());
    }

    TEST_CASE("changed: a value sent just before the sender went is seen, then it fails") {
        auto [tx, rx] = watch::channel<int>(1);
        tx.send(2);
        { const auto dropped = std::move(tx); }
        CHECK(block_on(rx.changed()).has_value());
        CHECK(rx.get() == 2);
        CHECK_FALSE(block_on(rx.changed()).has_value());
    }

    TEST_CASE("changed: dropped while it is pending it loses nothing and leaves no waker; the receiver may be moved") {
        auto [tx, rx] = watch::channel<int>(1);
        wake_counter task;
        {
            auto fut = rx.changed();
            CHECK(poll_with(fut, task).is_pending());
            CHECK(task.is_kept());
        }
        CHECK_FALSE(task.is_kept());
        auto fut = rx.changed();
        CHECK(poll_with(fut, task).is_pending());
        auto moved = std::move(rx);
        tx.send(2);
        CHECK(task.count() == 1);
        CHECK(poll_with(fut, task).has_value());
        CHECK(moved.get() == 2);
        CHECK(is_at_end(rx));
    }

    TEST_CASE("only the latest waker is woken, and all who wait are") {
        auto [tx, rx] = watch::channel<int>(1);
        wake_counter first;
        wake_counter second;
        CHECK(next_of(rx) == 1);
        CHECK(poll_next_with(rx, first).is_pending());
        CHECK(poll_next_with(rx, second).is_pending());
        CHECK_FALSE(first.is_kept());
        std::vector<watch::receiver<int>> all;
        for (int i = 0; i != 20; ++i) {
            all.push_back(rx);
            CHECK(poll_next_with(all.back(), second).is_pending());
        }
        tx.send(2);
        CHECK(first.count() == 0);
        CHECK(second.count() == 21);
        CHECK_FALSE(second.is_kept());
    }

    TEST_CASE("a wake-up may drop the receivers that are still to be woken") {
        auto [tx, rx] = watch::channel<int>(1);
        wake_counter task;
        std::vector<watch::receiver<int>> all;
        for (int i = 0; i != 20; ++i) {
            all.push_back(rx);
            CHECK(next_of(all.back()) == 1);
            CHECK(poll_next_with(all.back(), task).is_pending());
        }
        task.on_wake([&all] { all.clear(); });
        tx.send(2);
        CHECK(task.count() >= 1);
        CHECK(task.count() < 20);
        CHECK_FALSE(task.is_kept());
    }

    TEST_CASE("receiver: a copy has seen what the one has that was copied") {
        auto [tx, rx] = watch::channel<int>(1);
        auto fresh = rx;
        CHECK(next_of(fresh) == 1);
        auto copy = fresh;
        CHECK(poll_once(copy).is_pending());
        CHECK(next_of(rx) == 1);
        tx.send(2);
        CHECK(next_of(rx) == 2);
        CHECK(next_of(copy) == 2);
        copy = rx;
        CHECK(poll_once(copy).is_pending());
    }

    TEST_CASE("subscribe: its first item is the value at hand, which changed() takes for seen") {
        auto [tx, rx] = watch::channel<int>(1);
        tx.send(2);
        auto later = tx.subscribe();
        {
            auto fut = later.changed();
            CHECK(poll_once(fut).is_pending());
        }
        CHECK(next_of(later) == 2);
        CHECK(poll_once(later).is_pending());
    }

    TEST_CASE("send: stores also while there is no receiver; copies of a sender are senders") {
        auto [tx, rx] = watch::channel<int>(1);
        { const auto dropped = std::move(rx); }
        tx.send(2);
        auto copy = tx;
        { const auto dropped = std::move(tx); }
        auto later = copy.subscribe();
        CHECK(later.get() == 2);
        copy.send(3);
        CHECK(block_on(later.changed()).has_value());
        CHECK(later.get() == 3);
    }

    TEST_CASE("send_modify: turns a copy into the newest value; what throws changes nothing") {
        auto [tx, rx] = watch::channel<std::string>("a");
        tx.send_modify([](std::string& value) { value += "b"; });
        CHECK(rx.get() == "ab");
        CHECK(block_on(rx.changed()).has_value());
        CHECK_THROWS_AS(tx.send_modify([](std::string& value) {
            value += "c";
            throw std::runtime_error("no");
        }),
                        std::runtime_error);
        CHECK(rx.get() == "ab");
        auto fut = rx.changed();
        CHECK(poll_once(fut).is_pending());
    }

    TEST_CASE("send_modify: is called again, for the newer value, if another is sent meanwhile") {
        auto [tx, rx] = watch::channel<int>(1);
        int calls = 0;
        tx.send_modify([&, &other = tx](int& value) {
            if (++calls == 1) other.send(10);
            ++value;
        });
        CHECK(calls == 2);
        CHECK(rx.get() == 11);
    }

    TEST_CASE("wait_for: begins with the value at hand, and waits until one does") {
        auto [tx, rx] = watch::channel<int>(1);
        CHECK(block_on(rx.wait_for([](int n) { return n == 1; })).value() == 1);
        wake_counter task;
        int asked = 0;
        auto fut = rx.wait_for([&, limit = std::make_unique<int>(3)](const int& n) {
            ++asked;
            return n >= *limit;
        });
        CHECK(asked == 0);
        CHECK(poll_with(fut, task).is_pending());
        CHECK(asked == 1);
        CHECK(poll_with(fut, task).is_pending());
        CHECK(asked == 1);
        tx.send(2);
        CHECK(task.count() == 1);
        CHECK(poll_with(fut, task).is_pending());
        tx.send(5);
        CHECK(task.count() == 2);
        auto answer = poll_with(fut, task);
        REQUIRE(answer.has_value());
        CHECK(answer.value() == 5);
        CHECK(asked == 3);
        auto changed = rx.changed();
        CHECK(poll_once(changed).is_pending());
    }

    TEST_CASE("wait_for: looks at the last value before it says that the sender is gone; what pred throws comes out") {
        auto [tx, rx] = watch::channel<int>(1);
        tx.send(2);
        { const auto dropped = std::move(tx); }
        CHECK(block_on(rx.wait_for([](int n) { return n == 2; })).has_value());
        CHECK_FALSE(block_on(rx.wait_for([](int n) { return n == 3; })).has_value());
        auto throwing = rx.wait_for([](int) -> bool { throw std::runtime_error("no"); });
        CHECK_THROWS_AS(static_cast<void>(poll_once(throwing)), std::runtime_error);
    }

#ifndef NDEBUG
    TEST_CASE(
        "changed, wait_for: a debug build stops with a message when they are polled after they were ready or threw") {
        auto [tx, rx] = watch::channel<int>(1);
        tx.send(2);
        const auto of_changed = pollux::test::message_of_second_poll(rx.changed());
        CHECK(of_changed.starts_with("pollux: watch: changed() was polled after it was ready"));
        const auto of_wait_for = pollux::test::message_of_second_poll(rx.wait_for([](int) { return true; }));
        CHECK(of_wait_for.starts_with("pollux: watch: wait_for() was polled after it was ready or threw"));
        const auto of_throwing =
            pollux::test::message_of_second_poll(rx.wait_for([](int) -> bool { throw std::runtime_error("no"); }));
        CHECK(of_throwing.starts_with("pollux: watch: wait_for() was polled after it was ready or threw"));
        { const auto dropped = std::move(tx); }
        CHECK(block_on(rx.changed()).has_value());
        const auto of_failed = pollux::test::message_of_second_poll(rx.changed());
        CHECK(of_failed.starts_with("pollux: watch: changed() was polled after it was ready"));
    }
#endif

    TEST_CASE("a spent budget loses nothing") {
        auto [tx, rx] = watch::channel<int>(1);
        wake_counter task;
        const auto waker = task.waker();
        pollux::detail::poll_budget budget = pollux::test::budget_of(0);
        context cx(waker, &budget);
        CHECK(rx.poll_next(cx).is_pending());
        CHECK(next_of(rx) == 1);
        tx.send(2);
        CHECK(rx.poll_next(cx).is_pending());
        auto changed = rx.changed();
        CHECK(changed.poll(cx).is_pending());
        auto wait_for = rx.wait_for([](int) { return true; });
        CHECK(wait_for.poll(cx).is_pending());
        CHECK(task.count() == 4);
        CHECK(changed.poll(cx).is_pending());
        CHECK(poll_once(changed).has_value());
    }

    TEST_CASE("a wake-up may read, send and drop from inside the send that causes it") {
        auto [tx, rx] = watch::channel<int>(1);
        wake_counter task;
        auto end = std::optional(std::move(rx));
        CHECK(next_of(*end) == 1);
        CHECK(poll_next_with(*end, task).is_pending());
        int seen = 0;
        task.on_wake([&, &to = tx] {
            seen = end->get();
            end.reset();
            to.send(9);
        });
        tx.send(4);
        CHECK(seen == 4);
        CHECK(tx.subscribe().get() == 9);
    }

    TEST_CASE("one allocation a value, none to wait; all of them are given back") {
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        const pollux::test::heap_counter heap;
        {
            auto [tx, rx] = watch::channel<int>(8);
            CHECK(heap.by_this_thread() == 3);
            CHECK(rx.poll_next(cx).has_value());
            CHECK(rx.poll_next(cx).is_pending());
            CHECK(rx.get() == 8);
            CHECK(heap.by_this_thread() == 3);
            tx.send(9);
            tx.send_modify([](int& n) { ++n; });
            CHECK(heap.by_this_thread() == 5);
            CHECK(heap.given_back() == 2);
            const auto copy = rx;
            CHECK(heap.by_this_thread() == 6);
        }
        CHECK(heap.by_this_thread() == heap.given_back());
    }
}

TEST_SUITE("sync/watch stress") {
    TEST_CASE(
        "threads send and modify, others wait: no change is lost, values never go back, the last one is seen by all") {
        for (int round = 0; round != 30; ++round) {
            CAPTURE(round);
            constexpr int senders = 2;
            constexpr int changes = 300;
            const auto owned = std::make_shared<int>(0);
            using value = std::pair<int, std::shared_ptr<int>>;
            std::atomic<int> wrong = 0;
            {
                auto [tx, rx] = watch::channel<value>(value(0, owned));
                std::vector<std::thread> threads;
                for (int r = 0; r != 3; ++r)
                    threads.emplace_back([&, mine = rx, r]() mutable {
                        int last = 0;
                        const auto note = [&](int n) {
                            if (n < last) ++wrong;
                            last = n;
                        };
                        if (r == 0) {
                            while (const auto next = block_on(pollux::next(mine))) note(next->first);
                        } else if (r == 1) {
                            while (block_on(mine.changed()).has_value()) note(mine.get().first);
                        } else {
                            const auto found =
                                block_on(mine.wait_for([](const value& v) { return v.first == senders * changes; }));
                            if (found.has_value()) note(found->first);
                        }
                        if (last != senders * changes) ++wrong;
                    });
                for (int s = 0; s != senders; ++s)
                    threads.emplace_back([mine = tx] {
                        for (int i = 0; i != changes; ++i) mine.send_modify([](value& v) { ++v.first; });
                    });
                { const auto last = std::move(tx); }
                for (auto& each : threads) each.join();
            }
            CHECK(wrong == 0);
            CHECK(owned.use_count() == 1);
        }
    }

    // The use of the newest value was never given back if there was no memory for its copy.
    TEST_CASE("send_modify: without memory it throws, changes nothing, and keeps nothing") {
        if (!pollux::test::refused_allocation::is_possible()) return;
        const auto owned = std::make_shared<int>(1);
        {
            auto [tx, rx] = watch::channel(std::shared_ptr<int>(owned));
            {
                const pollux::test::refused_allocation refused(0);
                CHECK_THROWS_AS(tx.send_modify([](std::shared_ptr<int>& value) { value.reset(); }), std::bad_alloc);
                CHECK(refused.has_come());
            }
            CHECK(rx.get() == owned);
            CHECK(owned.use_count() == 2);
        }
        CHECK(owned.use_count() == 1);
    }
}

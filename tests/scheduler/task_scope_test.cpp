// SPDX-License-Identifier: MIT
#include "pollux/runtime/task_scope.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/task_local.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/testing/poll.hpp"
#include "support/everywhere.hpp"
#include "support/heap_counter.hpp"
#include "support/manual_event.hpp"
#include "support/small_tasks.hpp"
#include "support/tracked.hpp"
#include "support/workers.hpp"

namespace {

using pollux::scope;
using pollux::task;
using pollux::task_scope;
using pollux::test::gives_everywhere;
using pollux::test::manual_event;
using pollux::test::tracked;
using pollux::test::waits;
using pollux::test::workers;
using pollux::test::yields_for_ever;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

// What a task_scope that is awaited ends with, and how many of its children live then.
template <class F>
task<std::string> how_it_ends(F fut, std::atomic<int>& alive) {
    std::string how;
    try {
        auto outcome = co_await fut;
        if constexpr (std::is_same_v<decltype(outcome), std::expected<int, std::string>>)
            how = outcome.has_value() ? "value" : "error " + outcome.error();
        else
            how = "value";
    } catch (const std::exception& error) {
        how = std::string("exception ") + error.what();
    }
    co_return how + ", alive " + std::to_string(alive);
}

struct counts_to {
    int* place;
    explicit counts_to(int& where) : place(&where) {}
    counts_to(counts_to&& other) noexcept : place(std::exchange(other.place, nullptr)) {}
    ~counts_to() {
        if (place != nullptr) ++*place;
    }
};

pollux::task_local<int> number;

std::atomic<int> calls;
void counts_its_call() { ++calls; }
task<> counts_its_poll() {
    ++calls;
    co_return;
}
task<> spawns_by_name(scope<>& s) {
    s.spawn(counts_its_call);
    s.spawn(counts_its_poll);
    co_return;
}

}  // namespace

TEST_SUITE("scheduler/task_scope") {
    TEST_CASE("task_scope: its value and error types are those of fn and of the scope") {
        const auto plain = [](scope<>&) { return 1; };
        const auto nothing = [](scope<>&) {};
        const auto fails = [](scope<std::string>&) -> std::expected<int, const char*> { return 1; };
        const auto coroutine = [](scope<std::string>&) -> task<> { co_return; };
        static_assert(std::is_same_v<pollux::outcome_of<decltype(task_scope(plain))>, int>);
        static_assert(std::is_void_v<pollux::outcome_of<decltype(task_scope(nothing))>>);
        static_assert(std::is_same_v<pollux::outcome_of<decltype(task_scope<std::string>(fails))>,
                                     std::expected<int, std::string>>);
        static_assert(std::is_same_v<pollux::outcome_of<decltype(task_scope<std::string>(coroutine))>,
                                     std::expected<void, std::string>>);
        pollux::runtime rt(workers(1));
        CHECK(rt.block_on(task_scope(plain)) == 1);
        rt.block_on(task_scope(nothing));
        CHECK(rt.block_on(task_scope<std::string>(fails)) == 1);
        CHECK(rt.block_on(task_scope<std::string>(coroutine)).has_value());
    }

    TEST_CASE("task_scope: it and its spawn take the names of functions") {
        pollux::runtime rt(workers(1));
        calls = 0;
        rt.block_on(task_scope(spawns_by_name));
        CHECK(calls == 2);
    }

    TEST_CASE("task_scope: children borrow from the caller, and all have ended when it is ready") {
        gives_everywhere(
            []() -> task<int> {
                std::vector<int> numbers(100);
                std::atomic<int> alive = 0;
                int result = co_await task_scope([&](scope<>& s) -> task<int> {
                    for (int& each : numbers)
                        s.spawn([&each, &alive]() -> task<> {
                            const tracked local(alive);
                            co_await pollux::yield_now();
                            each = 1;
                        });
                    co_await pollux::yield_now();
                    co_return 1000;
                });
                result += 10000 * alive;
                for (const int each : numbers) result += each;
                co_return result;
            },
            1100);
    }

    TEST_CASE("task_scope: nothing happens before the first poll, and fn is kept until its children have ended") {
        pollux::current_thread_runtime rt;
        const auto guard = rt.handle().enter();
        manual_event event;
        int calls = 0;
        int closures_gone = 0;
        std::atomic<int> alive = 0;
        {
            auto fut = task_scope([&, kept = counts_to(closures_gone)](scope<>& s) {
                ++calls;
                s.spawn(waits(event, alive));
                return 3;
            });
            CHECK(calls == 0);
            assert_pending(poll_once(fut));
            CHECK(calls == 1);
            rt.run_until_stalled();
            CHECK(alive == 1);
            assert_pending(poll_once(fut));
            event.set();
            rt.run_until_stalled();
            CHECK(alive == 0);
            CHECK(closures_gone == 0);
            CHECK(assert_ready(poll_once(fut)) == 3);
        }
        CHECK(calls == 1);
        CHECK(closures_gone == 1);
    }

    TEST_CASE("task_scope: wakes its task once, when the last child has ended") {
        pollux::current_thread_runtime rt;
        const auto guard = rt.handle().enter();
        manual_event first;
        manual_event second;
        std::atomic<int> alive = 0;
        auto fut = task_scope([&](scope<>& s) {
            s.spawn(waits(first, alive));
            s.spawn(waits(second, alive));
        });
        pollux::testing::counting_waker counter;
        pollux::context cx(counter.waker());
        assert_pending(fut.poll(cx));
        rt.run_until_stalled();
        first.set();
        rt.run_until_stalled();
        CHECK(alive == 1);
        CHECK(counter.count() == 0);
        second.set();
        rt.run_until_stalled();
        CHECK(counter.count() == 1);
        CHECK(fut.poll(cx).is_ready());
    }

    TEST_CASE("task_scope: the first error or exception of fn or a child cancels the rest and becomes the result") {
        std::atomic<int> alive = 0;
        const auto never_ends = [&alive](scope<std::string>& s) {
            for (int i = 0; i != 5; ++i) s.spawn(yields_for_ever(alive));
            s.spawn([&alive] { return waits(manual_event(), alive); });
        };
        SUBCASE("error of a child") {
            gives_everywhere(
                [&] {
                    return how_it_ends(task_scope<std::string>([&](scope<std::string>& s) -> task<int> {
                                           never_ends(s);
                                           s.spawn([]() -> task<int, const char*> {
                                               co_await pollux::yield_now();
                                               co_return std::unexpected("of a child");
                                           });
                                           co_await yields_for_ever(alive);
                                           co_return 1;
                                       }),
                                       alive);
                },
                std::string("error of a child, alive 0"));
        }
        SUBCASE("error of a child that is a closure, after fn has ended") {
            gives_everywhere(
                [&] {
                    return how_it_ends(task_scope<std::string>([&](scope<std::string>& s) {
                                           never_ends(s);
                                           s.spawn([]() -> std::expected<void, const char*> {
                                               return std::unexpected("of a closure");
                                           });
                                           return 1;
                                       }),
                                       alive);
                },
                std::string("error of a closure, alive 0"));
        }
        SUBCASE("error of fn") {
            gives_everywhere(
                [&] {
                    return how_it_ends(task_scope<std::string>([&](scope<std::string>& s) -> task<int, std::string> {
                                           never_ends(s);
                                           co_await pollux::yield_now();
                                           co_return std::unexpected("of fn");
                                       }),
                                       alive);
                },
                std::string("error of fn, alive 0"));
        }
        SUBCASE("exception of a child") {
            gives_everywhere(
                [&] {
                    return how_it_ends(task_scope<std::string>([&](scope<std::string>& s) {
                                           never_ends(s);
                                           s.spawn(pollux::test::throws("of a child"));
                                           return 1;
                                       }),
                                       alive);
                },
                std::string("exception of a child, alive 0"));
        }
        SUBCASE("exception of fn before it has returned a future") {
            gives_everywhere(
                [&] {
                    return how_it_ends(task_scope<std::string>([&](scope<std::string>& s) -> int {
                                           never_ends(s);
                                           throw std::runtime_error("of fn");
                                       }),
                                       alive);
                },
                std::string("exception of fn, alive 0"));
        }
        SUBCASE("exception of fn's future") {
            gives_everywhere(
                [&] {
                    return how_it_ends(task_scope([&](scope<>& s) {
                                           s.spawn(yields_for_ever(alive));
                                           return pollux::test::throws("of the future");
                                       }),
                                       alive);
                },
                std::string("exception of the future, alive 0"));
        }
        SUBCASE("exception of the error's conversion") {
            struct no_string {
                operator std::string() const { throw std::runtime_error("of the conversion"); }
            };
            gives_everywhere(
                [&] {
                    return how_it_ends(
                        task_scope<std::string>([&](scope<std::string>& s) {
                            never_ends(s);
                            s.spawn([]() -> std::expected<void, no_string> { return std::unexpected(no_string()); });
                            return 1;
                        }),
                        alive);
                },
                std::string("exception of the conversion, alive 0"));
        }
        CHECK(alive == 0);
    }

    TEST_CASE("task_scope: of several failures one is told, and nobody hears of the others") {
        std::atomic<int> unhandled = 0;
        auto options = workers(4);
        options.on_unhandled_exception = [&](pollux::task_id, std::exception_ptr) { ++unhandled; };
        std::atomic<int> alive = 0;
        {
            pollux::runtime rt(options);
            for (int round = 0; round != 50; ++round) {
                const auto how = rt.block_on(how_it_ends(task_scope([&](scope<>& s) {
                                                             for (int i = 0; i != 8; ++i)
                                                                 s.spawn(pollux::test::throws("one of them"));
                                                             return 1;
                                                         }),
                                                         alive));
                CHECK(how == "exception one of them, alive 0");
            }
        }
        CHECK(unhandled == 0);
    }

    TEST_CASE("task_scope: when a child fails, fn's future is destroyed after the children that may borrow from it") {
        gives_everywhere(
            []() -> task<std::string> {
                std::string order;
                struct notes {
                    std::string* to;
                    const char* what;
                    notes(std::string& where, const char* text) : to(&where), what(text) {}
                    notes(const notes&) = delete;
                    ~notes() { *to += what; }
                };
                try {
                    co_await task_scope([&](scope<>& s) -> task<> {
                        const notes local(order, " fn");
                        std::atomic<bool> has_begun = false;
                        s.spawn([&order, &has_begun]() -> task<> {
                            const notes mine(order, "child");
                            has_begun = true;
                            for (;;) co_await pollux::yield_now();
                        });
                        while (!has_begun) co_await pollux::yield_now();
                        s.spawn([]() -> task<> {
                            throw std::runtime_error("failure");
                            co_return;
                        });
                        for (;;) co_await pollux::yield_now();
                    });
                } catch (const std::runtime_error&) {
                    order += " caught";
                }
                co_return order;
            },
            std::string("child fn caught"));
    }

    TEST_CASE("scope::spawn: after a failure the child is destroyed without being polled") {
        pollux::current_thread_runtime rt;
        const auto guard = rt.handle().enter();
        int polls = 0;
        int gone = 0;
        auto fut = task_scope<int>([&](scope<int>& s) -> task<> {
            s.spawn([&s, &polls, &gone]() -> task<> {
                struct spawns_when_destroyed {
                    scope<int>* to;
                    int* polls;
                    int* gone;
                    spawns_when_destroyed(scope<int>& s, int& p, int& g) : to(&s), polls(&p), gone(&g) {}
                    spawns_when_destroyed(const spawns_when_destroyed&) = delete;
                    ~spawns_when_destroyed() {
                        to->spawn([count = polls, kept = counts_to(*gone)] { ++*count; });
                    }
                };
                const spawns_when_destroyed local(s, polls, gone);
                for (;;) co_await pollux::yield_now();
            });
            s.spawn([]() -> std::expected<void, int> { return std::unexpected(5); });
            co_await pollux::never_ready();
        });
        assert_pending(poll_once(fut));
        rt.run_until_stalled();
        CHECK(polls == 0);
        CHECK(gone == 1);
        const auto outcome = assert_ready(poll_once(fut));
        CHECK(outcome.error() == 5);
    }

    TEST_CASE(
        "scope::spawn: children are futures, closures and coroutines, lent or owned, and their values are dropped") {
        gives_everywhere(
            []() -> task<int> {
                std::atomic<int> sum = 0;
                auto lent = pollux::lazy([&] { return sum += 1; });
                co_await task_scope([&](scope<>& s) {
                    s.spawn(pollux::by_ref(lent));
                    s.spawn(pollux::ready(std::string("dropped")));
                    s.spawn([&] { sum += 10; });
                    s.spawn([&] { return sum += 100; });
                    s.spawn([&]() -> task<std::vector<int>> {
                        sum += 1000;
                        co_return std::vector<int>(5);
                    });
                    s.spawn([&] { return pollux::lazy([&] { sum += 10000; }); });
                });
                co_return sum.load();
            },
            11111);
    }

    TEST_CASE("scope::spawn: a child has an id of its own, sees no task local, and may fork") {
        gives_everywhere(
            []() -> task<int> {
                const auto mine = pollux::current_task_id();
                std::atomic<int> right = 0;
                auto inside = task_scope([&](scope<>& s) {
                    s.spawn(
                        [&] { right += pollux::current_task_id().has_value() && pollux::current_task_id() != mine; });
                    s.spawn([&] { right += number.get() == nullptr ? 10 : 0; });
                    s.spawn([&]() -> task<> {
                        const auto [a, b] = co_await pollux::fork_join([] { return 60; }, [] { return 40; });
                        right += a + b;
                    });
                });
                auto scoped = number.scope(5, std::move(inside));
                co_await scoped;
                co_return right.load();
            },
            111);
    }

    TEST_CASE("task_scope: without a runtime it throws no_runtime when it is polled") {
        int calls = 0;
        auto fut = task_scope([&](scope<>&) { ++calls; });
        CHECK_THROWS_AS(pollux::block_on(fut), pollux::no_runtime);
        CHECK(calls == 0);
    }

    TEST_CASE("task_scope: costs one block; a child one, and a coroutine's frame another; its end none") {
        pollux::current_thread_runtime rt;
        const auto guard = rt.handle().enter();
        std::size_t future = 0, closure = 0, coroutine = 0;
        auto fut = task_scope([&](scope<>& s) {
            const pollux::test::heap_counter first;
            s.spawn(pollux::yield_now());
            future = first.by_all_threads();
            const pollux::test::heap_counter second;
            s.spawn([] {});
            closure = second.by_all_threads();
            const pollux::test::heap_counter third;
            s.spawn([]() -> task<> { co_await pollux::yield_now(); });
            coroutine = third.by_all_threads();
        });
        const pollux::test::heap_counter all;
        assert_pending(poll_once(fut));
        const std::size_t begun = all.by_all_threads();
        rt.run_until_stalled();
        const std::size_t ended = all.by_all_threads();
        assert_ready(poll_once(fut));
        const std::size_t at_the_end = all.by_all_threads();
        CHECK(future == 1);
        CHECK(closure == 1);
        CHECK(coroutine == 1);
        CHECK(begun == 4);
        CHECK(ended <= 5);  // the closure's coroutine may have the block of another that has ended
        CHECK(at_the_end == ended);
    }
}

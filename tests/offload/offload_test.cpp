// SPDX-License-Identifier: MIT
#include "pollux/offload/offload.hpp"

#include <doctest/doctest.h>
#include <oneapi/tbb/global_control.h>

#include <atomic>
#include <chrono>
#include <expected>
#include <filesystem>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "parallel_sum.hpp"
#include "pollux/core/block_on.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/time/sleep.hpp"
#include "pool_fixture.hpp"
#include "support/allocation_counter.hpp"

using namespace std::chrono_literals;
using pollux::offload;
using pollux::offload_options;
using pollux::offload_priority;
using pollux::test::destruction;
using pollux::test::gate;
using pollux::test::hand_polled_runtime;
using pollux::test::wake_counter;

namespace {

pollux::runtime_options with_slots(unsigned slots, std::size_t most = 1024) {
    pollux::runtime_options options;
    options.cpu_slots = slots;
    options.max_offloaded = most;
    return options;
}

std::size_t thread_count() {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/task")) ++n;
    return n;
}

}  // namespace

TEST_SUITE("offload/offload") {
    TEST_CASE("the types of the future come from the callable") {
        auto number = offload([] { return 1; });
        auto nothing = offload([] {});
        auto fallible = offload([]() -> std::expected<std::string, int> { return "x"; });
        auto nested = offload([] { return pollux::ready(1); });
        CHECK(std::is_same_v<decltype(number)::value_type, int>);
        CHECK(std::is_same_v<decltype(number)::error_type, pollux::never>);
        CHECK(std::is_same_v<decltype(nothing)::value_type, void>);
        CHECK(std::is_same_v<decltype(fallible)::value_type, std::string>);
        CHECK(std::is_same_v<decltype(fallible)::error_type, int>);
        CHECK(std::is_same_v<decltype(nested)::value_type, decltype(pollux::ready(1))>);
    }

    TEST_CASE("it is lazy: without a poll the job never runs, and its closure goes with the future") {
        destruction::report closure;
        std::atomic<int> runs{0};
        {
            auto fut = offload([mark = destruction(closure), &runs] { ++runs; });
            auto moved = std::move(fut);
            CHECK(closure.count == 0);
        }
        CHECK(closure.count == 1);
        CHECK(runs == 0);
    }

    TEST_CASE("the awaiter gets the value: move-only, void, an error, what the job wrote") {
        pollux::runtime rt(with_slots(1));
        auto owned = rt.block_on(offload([] { return std::make_unique<int>(7); }));
        REQUIRE(owned != nullptr);
        CHECK(*owned == 7);
        int written = 0;
        rt.block_on(offload([&written] { written = 3; }));
        CHECK(written == 3);
        const std::expected<int, std::string> failed =
            rt.block_on(offload([]() -> std::expected<int, std::string> { return std::unexpected("no"); }));
        REQUIRE(!failed.has_value());
        CHECK(failed.error() == "no");
        const std::expected<void, int> good = rt.block_on(offload([]() -> std::expected<void, int> { return {}; }));
        CHECK(good.has_value());
        auto inner = rt.block_on(offload([] { return pollux::ready(5); }));
        CHECK(pollux::block_on(inner) == 5);
    }

    TEST_CASE("what the job throws comes out of the await") {
        pollux::runtime rt(with_slots(1));
        CHECK_THROWS_AS(rt.block_on(offload([]() -> int { throw std::out_of_range("far"); })), std::out_of_range);
        CHECK(rt.block_on(offload([] { return 1; })) == 1);
    }

    TEST_CASE("outside a runtime the poll throws no_runtime") {
        auto fut = offload([] {});
        CHECK_THROWS_AS(pollux::block_on(fut), pollux::no_runtime);
    }

    TEST_CASE("the job runs on a thread of the pool, and its closure is destroyed there before the awaiter is woken") {
        hand_polled_runtime rt;
        destruction::report closure;
        wake_counter wakes;
        std::atomic<int> destroyed_at_wake{-1};
        std::counting_semaphore<> woken(0);
        wakes.on_wake([&] {
            destroyed_at_wake = closure.count.load();
            woken.release();
        });
        auto fut = offload([mark = destruction(closure)] { return std::this_thread::get_id(); });
        CHECK(rt.poll(fut, wakes.waker()).is_pending());
        woken.acquire();
        CHECK(destroyed_at_wake == 1);
        CHECK(wakes.count() == 1);
        auto answer = rt.poll(fut, wakes.waker());
        REQUIRE(answer.is_ready());
        CHECK(answer.value() != std::this_thread::get_id());
        CHECK(answer.value() == closure.thread.load());
        CHECK(wakes.count() == 1);
    }

    TEST_CASE("the waker of the latest poll is woken, and no other") {
        hand_polled_runtime rt;
        wake_counter first, second;
        std::counting_semaphore<> woken(0);
        second.on_wake([&woken] { woken.release(); });
        const gate hold;
        auto fut = offload([hold] { hold.pass(); });
        CHECK(rt.poll(fut, first.waker()).is_pending());
        CHECK(rt.poll(fut, first.waker()).is_pending());
        CHECK(rt.poll(fut, second.waker()).is_pending());
        CHECK(!first.is_kept());
        hold.open();
        woken.acquire();
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        CHECK(rt.poll(fut, second.waker()).is_ready());
    }

    TEST_CASE("a job whose future is dropped before it starts never runs; its closure is destroyed by the drop") {
        hand_polled_runtime rt;
        const gate hold;
        auto first = offload([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        destruction::report closure;
        std::atomic<int> runs{0};
        {
            auto second = offload([mark = destruction(closure), &runs] { ++runs; });
            CHECK(rt.poll(second).is_pending());
            CHECK(rt.metrics().offload_queued == 1);
            CHECK(rt.metrics().offload_running == 1);
        }
        CHECK(closure.count == 1);
        CHECK(closure.thread.load() == std::this_thread::get_id());
        CHECK(rt.metrics().offload_queued == 0);
        hold.open();
        CHECK(rt.finish(first).is_ready());
        auto last = offload([] { return 1; });
        CHECK(rt.finish(last).value() == 1);
        CHECK(runs == 0);
    }

    TEST_CASE("dropping the future of a running job asks it to stop and does not wait; the result dies on the pool") {
        hand_polled_runtime rt;
        destruction::report result;
        const gate hold;
        // Else the job may end while it is asked to, and then its result dies with the future.
        std::atomic<bool> is_dropped{false};
        std::atomic<bool> was_asked{false};
        {
            auto fut = offload([&, hold](std::stop_token token) {
                hold.pass();
                while (!token.stop_requested() || !is_dropped) std::this_thread::yield();
                was_asked = true;
                return destruction(result);
            });
            CHECK(rt.poll(fut).is_pending());
            hold.wait_for_one();
            hold.open();
        }
        is_dropped = true;
        rt.end();
        CHECK(was_asked);
        CHECK(result.count == 1);
        CHECK(result.thread.load() != std::this_thread::get_id());
    }

    TEST_CASE("a result that nobody takes is destroyed with the future") {
        hand_polled_runtime rt;
        destruction::report result;
        {
            auto fut = offload([&] { return destruction(result); });
            wake_counter wakes;
            std::counting_semaphore<> woken(0);
            wakes.on_wake([&woken] { woken.release(); });
            CHECK(rt.poll(fut, wakes.waker()).is_pending());
            woken.acquire();
            CHECK(result.count == 0);
        }
        CHECK(result.count == 1);
        CHECK(result.thread.load() == std::this_thread::get_id());
    }

    TEST_CASE("past start_before a job never runs and its future throws offload_expired") {
        hand_polled_runtime rt;
        const gate hold;
        auto first = offload([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        std::atomic<int> runs{0};
        offload_options options;
        options.start_before = pollux::clock::now() + 1h;
        auto in_time = offload([&runs] { ++runs; }, options);
        options.start_before = pollux::clock::now() - 1ns;
        options.name = "resize";
        auto late = offload([&runs] { runs += 100; }, options);
        CHECK(rt.poll(in_time).is_pending());
        CHECK(rt.poll(late).is_pending());
        hold.open();
        CHECK(rt.finish(in_time).is_ready());
        const char* name = nullptr;
        std::string message;
        try {
            rt.finish(late);
        } catch (const pollux::offload_expired& expired) {
            name = expired.name();
            message = expired.what();
        }
        REQUIRE(name != nullptr);
        CHECK(std::string(name) == "resize");
        // A line on stderr about a detached job did not say which one.
        CHECK(message ==
              "pollux: offload: the job \"resize\" had not started by its start_before; allow more time, or shed load "
              "earlier");
        CHECK(runs == 1);
        CHECK(rt.finish(first).is_ready());
    }

    TEST_CASE("offload_expired: its message is whole without a name, and with a very long one") {
        const std::string rest = " had not started by its start_before; allow more time, or shed load earlier";
        CHECK(pollux::offload_expired(nullptr).what() == "pollux: offload: the job" + rest);
        const std::string name(1000, 'n');
        const pollux::offload_expired expired(name.c_str());
        CHECK(expired.what() == "pollux: offload: the job \"" + name.substr(0, 80) + '"' + rest);
        const auto copy = expired;
        CHECK(copy.what() == std::string(expired.what()));
        CHECK(copy.name() == name.c_str());
    }

    // It was an index behind the pool's queues: the job never ran.
    TEST_CASE("a priority that is none is refused at once") {
        for (const int value : {3, -1, 257}) {
            offload_options options;
            options.priority = static_cast<offload_priority>(value);
            const std::string expected = "pollux: offload: priority = " + std::to_string(value) +
                                         " is none; use offload_priority::low, normal or high";
            CHECK_THROWS_WITH_AS(static_cast<void>(offload([] {}, options)), expected.c_str(), std::invalid_argument);
        }
    }

    TEST_CASE("waiting jobs start by priority, within one in the order of their coming") {
        hand_polled_runtime rt;
        const gate hold;
        auto first = offload([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        std::vector<int> order;
        const auto job = [&order](int n, offload_priority priority) {
            offload_options options;
            options.priority = priority;
            return offload([&order, n] { order.push_back(n); }, options);
        };
        auto low = job(4, offload_priority::low);
        auto normal_1 = job(2, offload_priority::normal);
        auto normal_2 = job(3, offload_priority::normal);
        auto high_1 = job(0, offload_priority::high);
        auto high_2 = job(1, offload_priority::high);
        for (auto* each : {&low, &normal_1, &normal_2, &high_1, &high_2}) CHECK(rt.poll(*each).is_pending());
        hold.open();
        for (auto* each : {&low, &normal_1, &normal_2, &high_1, &high_2}) CHECK(rt.finish(*each).is_ready());
        CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
        CHECK(rt.finish(first).is_ready());
    }

    TEST_CASE("a low job is not starved by high ones") {
        hand_polled_runtime rt;
        const gate hold;
        auto first = offload([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        int started = 0;
        int low_started_at = -1;
        offload_options options;
        options.priority = offload_priority::low;
        auto low = offload([&] { low_started_at = started++; }, options);
        CHECK(rt.poll(low).is_pending());
        options.priority = offload_priority::high;
        const auto make = [&] { return offload([&started] { ++started; }, options); };
        std::vector<std::unique_ptr<decltype(make())>> high;
        for (int i = 0; i != 200; ++i) {
            high.push_back(std::make_unique<decltype(make())>(make()));
            CHECK(rt.poll(*high.back()).is_pending());
        }
        hold.open();
        for (const auto& each : high) CHECK(rt.finish(*each).is_ready());
        CHECK(rt.finish(low).is_ready());
        CHECK(low_started_at < 64);
        CHECK(started == 201);
        CHECK(rt.finish(first).is_ready());
    }

    TEST_CASE("as many jobs run at once as there are slots, and no more, also where the machine has fewer CPUs") {
        constexpr int slots = 5;
        pollux::runtime rt(with_slots(slots));
        std::latch all_run(slots);
        std::atomic<int> running{0}, most{0};
        const auto job = [&] {
            const int now = ++running;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {}
            all_run.arrive_and_wait();
            --running;
        };
        const auto short_job = [&] {
            const int now = ++running;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {}
            --running;
        };
        std::vector<pollux::join_handle<>> handles;
        for (int i = 0; i != slots; ++i) handles.push_back(rt.spawn(offload(job)));
        for (auto& each : handles) rt.block_on(each);
        handles.clear();
        for (int i = 0; i != 200; ++i) handles.push_back(rt.spawn(offload(short_job)));
        for (auto& each : handles) rt.block_on(each);
        CHECK(most == slots);
        CHECK(rt.metrics().offload_slots == slots);
    }

    TEST_CASE("two runtimes each have their slots") {
        pollux::runtime one(with_slots(2)), other(with_slots(2));
        std::latch all_run(4);
        const auto job = [&] { all_run.arrive_and_wait(); };
        auto a = one.spawn(offload(job));
        auto b = one.spawn(offload(job));
        auto c = other.spawn(offload(job));
        auto d = other.spawn(offload(job));
        for (auto* each : {&a, &b, &c, &d}) one.block_on(*each);
        CHECK(all_run.try_wait());
    }

    TEST_CASE("a smaller limit of the host's is obeyed and shown") {
        oneapi::tbb::global_control host(oneapi::tbb::global_control::max_allowed_parallelism, 2);
        pollux::runtime rt(with_slots(4));
        CHECK(rt.block_on(offload([] { return 1; })) == 1);
        CHECK(rt.metrics().offload_slots == 1);
    }

    TEST_CASE("past max_offloaded futures wait their turn, first come first served") {
        hand_polled_runtime rt(with_slots(1, 2));
        const gate hold;
        auto first = offload([hold] { hold.pass(); });
        CHECK(rt.poll(first).is_pending());
        hold.wait_for_one();
        std::vector<int> order;
        const auto make = [&order](int n) { return offload([&order, n] { order.push_back(n); }); };
        std::vector<std::unique_ptr<decltype(make(0))>> jobs;
        for (int i = 0; i != 6; ++i) {
            jobs.push_back(std::make_unique<decltype(make(0))>(make(i)));
            CHECK(rt.poll(*jobs.back()).is_pending());
            CHECK(rt.metrics().offload_queued == 1);
            CHECK(rt.metrics().offload_running == 1);
        }
        jobs[2].reset();  // one that waits for room
        CHECK(rt.metrics().offload_queued == 1);
        jobs[0].reset();  // the queued one: its place goes to the next
        CHECK(rt.metrics().offload_queued == 1);
        hold.open();
        for (const auto& each : jobs)
            if (each != nullptr) CHECK(rt.finish(*each).is_ready());
        CHECK(order == std::vector<int>{1, 3, 4, 5});
        CHECK(rt.finish(first).is_ready());
        CHECK(rt.metrics().offload_queued == 0);
    }

    TEST_CASE("the bound holds for jobs in flight and not for all that ever were") {
        pollux::runtime rt(with_slots(2, 3));
        std::atomic<int> runs{0};
        std::vector<pollux::join_handle<>> handles;
        for (int i = 0; i != 500; ++i) handles.push_back(rt.spawn(offload([&runs] { ++runs; })));
        for (auto& each : handles) rt.block_on(each);
        CHECK(runs == 500);
    }

    TEST_CASE("the end of the runtime waits for the running job, and cancels those that wait") {
        std::atomic<int> runs{0};
        destruction::report closure;
        const gate hold;
        const auto run_job = [&, hold] {
            hold.pass();
            ++runs;
        };
        auto rt = std::make_unique<hand_polled_runtime>(with_slots(1, 2));
        auto running = offload(run_job);
        auto queued = offload([&runs, mark = destruction(closure)] { ++runs; });
        auto waiting = offload([&runs, mark = destruction(closure)] { ++runs; });
        wake_counter wakes;
        CHECK(rt->poll(running).is_pending());
        hold.wait_for_one();
        CHECK(rt->poll(queued, wakes.waker()).is_pending());
        CHECK(rt->poll(waiting, wakes.waker()).is_pending());
        wakes.on_wake([hold] { hold.open(); });  // called by the end, before it waits
        rt.reset();
        CHECK(runs == 1);
        CHECK(closure.count == 2);
        CHECK(wakes.count() == 2);
        pollux::context cx(pollux::noop_waker());
        CHECK_THROWS_AS(queued.poll(cx), pollux::task_cancelled);
        CHECK_THROWS_AS(waiting.poll(cx), pollux::task_cancelled);
        CHECK(running.poll(cx).is_ready());
    }

    TEST_CASE("a queued job's future may be dropped after its runtime") {
        const gate hold;
        auto rt = std::make_unique<hand_polled_runtime>();
        auto running = std::make_optional(offload([hold] { hold.pass(); }));
        CHECK(rt->poll(*running).is_pending());
        hold.wait_for_one();
        auto queued = std::make_optional(offload([] {}));
        CHECK(rt->poll(*queued).is_pending());
        hold.open();
        rt.reset();
        running.reset();
        queued.reset();
        CHECK(!queued.has_value());
    }

    TEST_CASE("polled for the first time after the end of its runtime, the future throws task_cancelled") {
        hand_polled_runtime rt;
        rt.end();
        auto fut = offload([] {});
        CHECK_THROWS_AS(rt.poll(fut), pollux::task_cancelled);
    }

    TEST_CASE("a job may spawn tasks, and tasks of its may offload") {
        pollux::runtime rt(with_slots(1));
        auto handle = rt.block_on(offload([] { return pollux::spawn(offload([] { return 9; })); }));
        CHECK(rt.block_on(handle) == 9);
    }

    TEST_CASE("a job may use TBB's parallel algorithms") {
        pollux::runtime rt(with_slots(2));
        CHECK(rt.block_on(offload([] { return pollux::test::parallel_sum(1000); })) == 499500);
    }

    TEST_CASE("while a job keeps the only slot busy, a ticking task on the only worker keeps ticking") {
        pollux::runtime_options options = with_slots(1);
        options.workers = 1;
        pollux::runtime rt(options);
        std::atomic<int> ticks{0};
        struct ticker {
            using value_type = void;
            using error_type = pollux::never;
            std::atomic<int>& ticks;
            std::optional<pollux::sleep> next;
            pollux::polled<> poll(pollux::context& cx) {
                for (;;) {
                    if (!next.has_value()) next.emplace(pollux::sleep_for(10ms));
                    if (next->poll(cx).is_pending()) return pollux::pending;
                    next.reset();
                    ++ticks;
                }
            }
        };
        auto ticking = rt.spawn(ticker{ticks, std::nullopt});
        auto busy = rt.spawn(offload([&ticks] {
            const auto give_up = std::chrono::steady_clock::now() + 60s;
            while (ticks < 20 && std::chrono::steady_clock::now() < give_up) {}
            return ticks.load();
        }));
        CHECK(rt.block_on(busy) >= 20);
        ticking.abort();
    }

    TEST_CASE("it works on a runtime without threads") {
        pollux::current_thread_runtime rt;
        CHECK(rt.block_on(offload([] { return 2; })) == 2);
        auto spawned = rt.spawn(offload([] { return 3; }));
        CHECK(rt.block_on(spawned) == 3);
    }

    TEST_CASE("a drop allocates nothing, whatever the job is doing") {
        hand_polled_runtime rt;
        const gate hold;
        auto running = std::make_optional(offload([hold] { hold.pass(); }));
        auto queued = std::make_optional(offload([] {}));
        CHECK(rt.poll(*running).is_pending());
        hold.wait_for_one();
        CHECK(rt.poll(*queued).is_pending());
        const pollux::test::allocation_counter allocations;
        queued.reset();
        running.reset();
        CHECK(allocations.count() == 0);
        hold.open();
    }

    TEST_CASE("the threads of oneTBB end with the last runtime, also if a handle is kept") {
        // A thread of its own: what it has of oneTBB goes with it, so that nobody else uses oneTBB at the end.
        std::size_t before = 0, during = 0, after = 0;
        std::thread([&] {
            std::optional<pollux::runtime_handle> kept;
            before = thread_count();
            {
                pollux::runtime rt(with_slots(3));
                kept = rt.handle();
                std::latch all_run(3);
                const auto job = [&] { all_run.arrive_and_wait(); };
                auto a = rt.spawn(offload(job));
                auto b = rt.spawn(offload(job));
                auto c = rt.spawn(offload(job));
                for (auto* each : {&a, &b, &c}) rt.block_on(*each);
                during = thread_count();
            }
            after = thread_count();
        }).join();
        CHECK(during >= before + 4);
        CHECK(after == before);
    }
}

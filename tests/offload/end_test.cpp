// SPDX-License-Identifier: MIT
// The end of a runtime as jobs see it whose futures are kept by others: by a block_on elsewhere, or by hand.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <utility>

#include "pollux/future/lazy.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pool_fixture.hpp"

using namespace std::chrono_literals;
using pollux::blocking;
using pollux::offload;
using pollux::test::gate;
using pollux::test::hand_polled_runtime;
using pollux::test::wake_counter;

namespace {

const auto offloaded = [](auto fn) { return offload(std::move(fn)); };
const auto blocked = [](auto fn) { return blocking(std::move(fn)); };

// Two jobs that end when they are asked, and one that has ended before.
template <class Make>
void check_all_are_asked(Make make) {
    pollux::runtime_options options;
    options.cpu_slots = 2;
    hand_polled_runtime rt(options);
    std::counting_semaphore<> begun(0);
    const auto until_asked = [&begun](std::stop_token token) {
        begun.release();
        while (!token.stop_requested()) std::this_thread::yield();
        return 1;
    };
    auto before = make([](std::stop_token token) { return token.stop_requested() ? 1 : 0; });
    CHECK(rt.finish(before).value() == 0);
    auto one = make(until_asked), other = make(until_asked);
    for (auto* each : {&one, &other}) CHECK(rt.poll(*each).is_pending());
    for (int i = 0; i != 2; ++i) begun.acquire();
    rt.end();
    for (auto* each : {&one, &other}) {
        auto answer = rt.poll(*each);
        REQUIRE(answer.is_ready());
        CHECK(answer.value() == 1);
    }
}

// Jobs end by themselves just when they are asked.
template <class Make>
void check_asking_races_with_the_end(Make make) {
    for (int i = 0; i != 100; ++i) {
        hand_polled_runtime rt;
        std::atomic<bool> may_end{false};
        std::counting_semaphore<> begun(0);
        auto fut = std::make_optional(make([&](std::stop_token token) {
            const std::stop_callback asked(token, [&may_end] { may_end = true; });
            begun.release();
            while (!may_end) std::this_thread::yield();
        }));
        CHECK(rt.poll(*fut).is_pending());
        begun.acquire();
        std::thread ends([&may_end] { may_end = true; });
        rt.end();
        ends.join();
        CHECK(rt.poll(*fut).is_ready());
    }
}

// Another runtime's worker that is in `rt` for a scope: its wake-up must not wait for workers of `rt`, which have gone when the job ends.
template <class Make>
void check_woken_behind_shutdown(Make make) {
    pollux::runtime_options one_worker;
    one_worker.workers = 1;
    pollux::runtime other(one_worker);
    auto rt = std::make_unique<pollux::runtime>(one_worker);
    const gate hold;
    wake_counter wakes;
    std::counting_semaphore<> woken(0);
    wakes.on_wake([&woken] { woken.release(); });
    auto fut = make([hold] { hold.pass(); });
    const bool was_ready = other.block_on(other.spawn(pollux::lazy([&] {
        const auto scope = rt->handle().enter();
        const pollux::waker to_wake = wakes.waker();
        pollux::context cx(to_wake);
        return fut.poll(cx).is_ready();
    })));
    CHECK(!was_ready);
    hold.wait_for_one();
    CHECK(rt->shutdown(0ms).stuck == 1);
    hold.open();
    woken.acquire();
    CHECK(wakes.count() == 1);
    pollux::context cx(pollux::noop_waker());
    CHECK(fut.poll(cx).is_ready());
}

}  // namespace

TEST_SUITE("offload/end") {
    TEST_CASE("running jobs are asked to stop, though somebody keeps their futures") {
        SUBCASE("offload") { check_all_are_asked(offloaded); }
        SUBCASE("blocking") { check_all_are_asked(blocked); }
    }

    TEST_CASE("a job may end while it is asked to") {
        SUBCASE("offload") { check_asking_races_with_the_end(offloaded); }
        SUBCASE("blocking") { check_asking_races_with_the_end(blocked); }
    }

    TEST_CASE("shutdown, too, asks a job whose block_on is on another thread") {
        std::atomic<int> answer{0};
        pollux::runtime rt;
        std::binary_semaphore begun(0);
        std::thread awaits([&, handle = rt.handle()] {
            answer = handle.block_on(blocking([&begun](std::stop_token token) {
                begun.release();
                while (!token.stop_requested()) std::this_thread::yield();
                return 3;
            }));
        });
        begun.acquire();
        CHECK(rt.shutdown(1h).stuck == 0);
        awaits.join();
        CHECK(answer == 3);
    }

    TEST_CASE("what is queued in one pool does not start while the end waits for the other") {
        pollux::runtime_options options;
        options.max_blocking_threads = 1;
        hand_polled_runtime rt(options);
        const gate held, computes;
        std::atomic<int> runs{0};
        auto running = blocking([held] { held.pass(); });
        auto computing = offload([computes] { computes.pass(); });
        auto queued = blocking([&runs] { ++runs; });
        wake_counter wakes;
        wakes.on_wake([&] {
            held.open();
            computes.open();
        });
        CHECK(rt.poll(running).is_pending());
        held.wait_for_one();
        CHECK(rt.poll(computing).is_pending());
        computes.wait_for_one();
        CHECK(rt.poll(queued, wakes.waker()).is_pending());
        rt.end();
        CHECK(runs == 0);
        CHECK(wakes.count() == 1);
        CHECK_THROWS_AS(rt.poll(queued), pollux::task_cancelled);
        CHECK(rt.poll(running).is_ready());
        CHECK(rt.poll(computing).is_ready());
    }

    TEST_CASE("a job polled by another runtime's worker wakes its awaiter also behind a shutdown") {
        SUBCASE("offload") { check_woken_behind_shutdown(offloaded); }
        SUBCASE("blocking") { check_woken_behind_shutdown(blocked); }
    }
}

// SPDX-License-Identifier: MIT
// Owners of shared futures in several threads.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/shared.hpp"
#include "pollux/testing/poll.hpp"
#include "support/manual_event.hpp"
#include "support/wait_until.hpp"

namespace {

// What the future in the middle notes, and where it leaves its waker for the thread that drives it.
struct steps {
    std::atomic<int> polling{0};
    std::atomic<int> polled_at_once{0};
    std::atomic<int> done{0};
    std::mutex lock;
    pollux::waker latest;

    void wake() {
        pollux::waker woken;
        {
            const std::lock_guard guard(lock);
            woken = std::move(latest);
        }
        std::move(woken).wake();
    }
};

// Needs `goal` steps, each of which somebody else wakes it for.
auto in_steps(std::shared_ptr<steps> all, int goal) {
    return pollux::poll_fn([all, goal](pollux::context& cx) -> pollux::polled<std::string> {
        if (all->polling.fetch_add(1) != 0) ++all->polled_at_once;
        auto replaced = cx.waker();
        {
            const std::lock_guard guard(all->lock);
            std::swap(all->latest, replaced);
        }
        const int step = ++all->done;
        all->polling.fetch_sub(1);
        if (step >= goal) return std::string("the end of a long way");
        return pollux::pending;
    });
}

}  // namespace

TEST_SUITE("future/shared threads") {
    TEST_CASE("shared: owners in many threads get the outcome, while others are copied, polled and dropped") {
        constexpr int rounds = 100;
        constexpr std::size_t waiting = 3;
        int wrong = 0;
        int polled_at_once = 0;
        for (int round = 0; round != rounds; ++round) {
            auto all = std::make_shared<steps>();
            auto first = pollux::shared(in_steps(all, 20));
            std::vector<std::string> results(waiting);
            std::atomic<bool> is_over{false};
            std::vector<std::thread> threads;
            for (std::size_t i = 0; i != waiting; ++i)
                threads.emplace_back(
                    [owner = first, &result = results[i]]() mutable { result = pollux::block_on(std::move(owner)); });
            threads.emplace_back([owner = first, &is_over] {
                while (!is_over) {
                    auto dropped = owner;
                    static_cast<void>(pollux::testing::poll_once(dropped));
                }
            });
            threads.emplace_back([&all, &is_over] {
                while (!is_over) all->wake();
            });
            for (std::size_t i = 0; i != waiting; ++i) threads[i].join();
            is_over = true;
            for (std::size_t i = waiting; i != threads.size(); ++i) threads[i].join();
            for (const auto& result : results)
                if (result != "the end of a long way") ++wrong;
            polled_at_once += all->polled_at_once;
        }
        CHECK(wrong == 0);
        CHECK(polled_at_once == 0);
    }

    TEST_CASE("shared: an owner dropped while another thread completes the future loses nothing") {
        constexpr int rounds = 500;
        int completed = 0;
        for (int round = 0; round != rounds; ++round) {
            pollux::test::manual_event event;
            auto first = pollux::shared(event.wait());
            std::optional second(first);
            static_cast<void>(pollux::testing::poll_once(first));
            static_cast<void>(pollux::testing::poll_once(*second));
            std::thread waiter([&first, &completed] {
                pollux::block_on(first);
                ++completed;
            });
            std::thread setter([&event] { event.set(); });
            second.reset();
            setter.join();
            waiter.join();
            if (event.waiting() != 0) --completed;
        }
        CHECK(completed == rounds);
    }

    TEST_CASE("shared: the last owners to go, at the same time, destroy the value once") {
        constexpr int rounds = 500;
        int left = 0;
        for (int round = 0; round != rounds; ++round) {
            auto value = std::make_shared<int>(1);
            auto first = pollux::shared(
                pollux::poll_fn([value](pollux::context&) { return pollux::polled<std::shared_ptr<int>>(value); }));
            std::atomic<int> arrived{0};
            auto take = [&arrived](pollux::shared_future<std::shared_ptr<int>> owner) {
                ++arrived;
                pollux::test::wait_until([&arrived] { return arrived == 2; });
                static_cast<void>(pollux::block_on(std::move(owner)));
            };
            std::thread one(take, first);
            std::thread other(take, std::move(first));
            one.join();
            other.join();
            if (value.use_count() != 1) ++left;
        }
        CHECK(left == 0);
    }
}

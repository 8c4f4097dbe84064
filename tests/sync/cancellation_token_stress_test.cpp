// SPDX-License-Identifier: MIT
// Threads against one tree of tokens: cancelling against waiting, dropping and making children. Every wait ends, and every token
// below a cancelled one is cancelled.
#include "pollux/sync/cancellation_token.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "support/together.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::cancellation_token;
using pollux::task;
using pollux::test::on_threads;
using waiting = decltype(cancellation_token().cancelled());

constexpr unsigned thread_count = 4;

task<int> waits(cancellation_token token) {
    auto cancelled = token.cancelled();
    co_await cancelled;
    co_return token.is_cancelled() ? 1 : 0;
}

}  // namespace

TEST_SUITE("sync/cancellation_token_stress") {
    TEST_CASE("cancel: against waits and drops of waits on one token, nobody is forgotten") {
        for (int round = 0; round != 300; ++round) {
            const cancellation_token token;
            std::array<std::atomic<int>, thread_count> left{};
            on_threads(thread_count, [&](unsigned i) {
                if (i == 0) {
                    for (int n = 0; n != round % 20; ++n) std::this_thread::yield();
                    token.cancel();
                    return;
                }
                std::minstd_rand random(i + 1);
                pollux::test::wake_counter counter;
                const auto waker = counter.waker();
                pollux::context cx(waker);
                // Waits that are dropped while cancel() may be at them.
                for (int n = 0; n != 30; ++n) {
                    auto fut = token.cancelled();
                    static_cast<void>(fut.poll(cx));
                    if (random() % 2 == 0) std::this_thread::yield();
                }
                pollux::block_on(token.cancelled());
                left[i] = token.is_cancelled() ? 1 : -1;
                if (counter.count() > 30) left[i] = -2;
            });
            for (unsigned i = 1; i != thread_count; ++i) CHECK(left[i] == 1);
        }
    }

    TEST_CASE("child_token: made, dropped and cancelled by four threads while the root is cancelled") {
        for (int round = 0; round != 200; ++round) {
            const cancellation_token root;
            std::array<std::vector<cancellation_token>, thread_count> kept;
            on_threads(thread_count, [&](unsigned i) {
                std::minstd_rand random(static_cast<unsigned>(round) * thread_count + i + 1);
                auto& mine = kept[i];
                auto at = root;
                for (int n = 0; n != 200; ++n) {
                    switch (random() % 6) {
                        case 0: at = root; break;
                        case 1:
                            if (!mine.empty()) mine.pop_back();
                            break;
                        case 2: mine.push_back(at.child_token()); break;
                        case 3: at.child_token().cancel(); break;
                        default: at = at.child_token(); break;
                    }
                    if (i == 0 && n == 150) root.cancel();
                }
                mine.push_back(at);
            });
            for (const auto& each : kept)
                for (const auto& token : each)
                    if (!token.is_cancelled()) FAIL("a token below a cancelled one is not cancelled");
        }
    }

    TEST_CASE("cancel: when it returns, whoever has called it first, all below is cancelled") {
        for (int round = 0; round != 200; ++round) {
            const cancellation_token root;
            std::vector<cancellation_token> line{root};
            for (int n = 0; n != 60; ++n) line.push_back(line.back().child_token());
            std::atomic<int> wrong = 0;
            on_threads(thread_count, [&](unsigned i) {
                const std::size_t from = i * 15;
                line[from].cancel();
                for (std::size_t n = from; n != line.size(); ++n)
                    if (!line[n].is_cancelled()) ++wrong;
            });
            CHECK(wrong == 0);
        }
    }

    TEST_CASE("run_until_cancelled and cancelled end in tasks of two workers while other threads cancel and drop") {
        pollux::runtime_options options;
        options.workers = 2;
        pollux::runtime rt(options);
        for (int round = 0; round != 100; ++round) {
            const cancellation_token root;
            std::vector<pollux::join_handle<int>> handles;
            std::vector<pollux::abort_handle> aborted;
            for (int n = 0; n != 20; ++n) {
                handles.push_back(rt.spawn(waits(root.child_token())));
                auto gone = rt.spawn(root.child_token().run_until_cancelled(pollux::never_ready()));
                aborted.push_back(gone.abort_handle());
            }
            std::thread aborts([&] {
                for (auto& each : aborted) each.abort();
            });
            root.cancel();
            int sum = 0;
            for (auto& each : handles) sum += rt.block_on(each);
            aborts.join();
            CHECK(sum == 20);
        }
        while (rt.metrics().alive_tasks != 0) std::this_thread::yield();
    }
}

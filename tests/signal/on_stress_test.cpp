// SPDX-License-Identifier: MIT
// Streams that come and go while the signal is delivered on other threads: the handler before ours is called for each signal, and
// each signal that comes while a stream waits is an item.
#include "pollux/signal/on.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <thread>

#include "pollux/runtime/runtime.hpp"
#include "pollux/stream/next.hpp"
#include "support/process_state.hpp"
#include "support/together.hpp"
#include "support/workers.hpp"

namespace {

std::atomic<int> calls = 0;

class counting_handler {
public:
    counting_handler() {
        calls = 0;
        struct sigaction action = {};
        action.sa_handler = [](int) { ++calls; };
        REQUIRE(::sigaction(SIGUSR1, &action, &previous_) == 0);
    }
    counting_handler(const counting_handler&) = delete;
    counting_handler& operator=(const counting_handler&) = delete;
    ~counting_handler() { ::sigaction(SIGUSR1, &previous_, nullptr); }

private:
    struct sigaction previous_ = {};
};

}  // namespace

TEST_SUITE("signal/on_stress") {
    TEST_CASE("on: streams may come and go on some threads while signals come on others") {
        const counting_handler before;
        const auto descriptors = pollux::test::descriptors_of_process();
        constexpr int signals_of_thread = 5'000;
        std::atomic<int> raising = 2;
        pollux::test::on_threads(4, [&](unsigned i) {
            if (i < 2) {
                for (int n = 0; n != signals_of_thread; ++n) ::raise(SIGUSR1);
                --raising;
            } else {
                while (raising != 0) const auto signals = pollux::signal::on(SIGUSR1);
            }
        });
        CHECK(calls == 2 * signals_of_thread);
        CHECK(pollux::test::descriptors_of_process() == descriptors);
    }
    TEST_CASE("on: whoever waits gets an item after each signal, on many workers") {
        const counting_handler before;
        pollux::runtime rt(pollux::test::workers(4));
        constexpr int rounds = 2'000;
        std::atomic<int> taken = 0;
        int items[2] = {};
        pollux::test::on_threads(3, [&](unsigned i) {
            if (i == 2) {
                // The next signal when both have taken an item for this one.
                for (int n = 0; n != rounds; ++n) {
                    while (taken != 2 * (n + 1)) std::this_thread::yield();
                    ::raise(SIGUSR1);
                }
                return;
            }
            auto signals = pollux::signal::on(SIGUSR1);
            for (int n = 0; n != rounds; ++n) {
                ++taken;
                items[i] += rt.block_on(pollux::next(signals)) == SIGUSR1;
            }
        });
        CHECK(items[0] == rounds);
        CHECK(items[1] == rounds);
    }
}

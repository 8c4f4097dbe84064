// SPDX-License-Identifier: MIT
// The halves of one object in two threads. The object is plain memory: thread sanitizer sees every access that the lock
// between the halves does not order, and a wake-up that is lost is a thread that never ends.
#include <doctest/doctest.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/sink/forward.hpp"
#include "pollux/sink/split.hpp"
#include "pollux/stream/collect.hpp"
#include "pollux/stream/iter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::context;
using pollux::polled;

constexpr int items = 20'000;

// What is sent into it comes out of it: a queue of few places, without any lock.
class echo {
public:
    using value_type = int;
    using item_type = int;
    using error_type = pollux::never;

    explicit echo(std::size_t places) : places_(places) {}

    polled<std::optional<int>> poll_next(context& cx) {
        if (queue_.empty()) {
            if (is_closed_) return std::nullopt;
            reader_ = cx.waker();
            return pollux::pending;
        }
        const int item = queue_.front();
        queue_.pop_front();
        std::exchange(writer_, pollux::waker()).wake();
        return item;
    }
    polled<> poll_ready(context& cx) {
        if (queue_.size() < places_) return polled<>::ready();
        writer_ = cx.waker();
        return pollux::pending;
    }
    void start_send(int item) {
        queue_.push_back(item);
        std::exchange(reader_, pollux::waker()).wake();
    }
    polled<> poll_flush(context&) { return polled<>::ready(); }
    polled<> poll_close(context&) {
        is_closed_ = true;
        std::exchange(reader_, pollux::waker()).wake();
        return polled<>::ready();
    }

private:
    std::size_t places_;
    std::deque<int> queue_;
    pollux::waker reader_;
    pollux::waker writer_;
    bool is_closed_ = false;
};

std::vector<int> numbers() {
    std::vector<int> all;
    for (int n = 0; n != items; ++n) all.push_back(n);
    return all;
}

}  // namespace

TEST_SUITE("sink/split stress") {
    TEST_CASE("split: two threads send and receive through one object, and nothing is lost") {
        for (const std::size_t places : {1u, 3u, 1000u}) {
            CAPTURE(places);
            auto halves = pollux::split(echo(places));
            std::thread sender([sink = std::move(halves.first)]() mutable {
                pollux::block_on(pollux::iter(numbers()) | pollux::forward(std::move(sink)));
            });
            const auto received = pollux::block_on(std::move(halves.second) | pollux::collect());
            sender.join();
            CHECK(received == numbers());
        }
    }

    TEST_CASE("split: two tasks on two workers send and receive through one object") {
        pollux::runtime rt(pollux::test::workers(2));
        auto halves = pollux::split(echo(2));
        auto sent = rt.spawn(pollux::iter(numbers()) | pollux::forward(std::move(halves.first)));
        auto received = rt.spawn(std::move(halves.second) | pollux::collect());
        const auto got = rt.block_on(std::move(received));
        rt.block_on(std::move(sent));
        CHECK(got == numbers());
    }

    TEST_CASE("split: a half that is dropped while the other is polled in another thread") {
        for (int round = 0; round != 200; ++round) {
            auto halves = pollux::split(echo(4));
            std::thread sender([sink = std::move(halves.first)]() mutable {
                context cx(pollux::noop_waker());
                for (int n = 0; n != 3; ++n) {
                    if (!sink.poll_ready(cx).has_value()) break;
                    sink.start_send(n);
                    static_cast<void>(sink.poll_flush(cx));
                }
            });
            context cx(pollux::noop_waker());
            int next = 0;
            bool in_order = true;
            for (int n = 0; n != 6; ++n) {
                auto item = halves.second.poll_next(cx);
                if (item.has_value() && item.value().has_value()) in_order &= *item.value() == next++;
            }
            sender.join();
            CHECK(in_order);
        }
    }
}

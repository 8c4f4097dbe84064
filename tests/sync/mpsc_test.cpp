// SPDX-License-Identifier: MIT
#include "pollux/sync/mpsc.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/limited_poll.hpp"
#include "support/tracked.hpp"
#include "support/wake_counter.hpp"
#include "sync/mpsc_fixture.hpp"

namespace {

namespace mpsc = pollux::sync::mpsc;
using pollux::block_on;
using pollux::context;
using pollux::sync::send_status;
using pollux::test::poll_stream_with;
using pollux::test::poll_with;
using pollux::test::tracked;
using pollux::test::try_send;
using pollux::test::wake_counter;

static_assert(pollux::sink<mpsc::sender<std::unique_ptr<int>>> && pollux::sink<mpsc::unbounded_sender<int>>);
static_assert(pollux::stream<mpsc::receiver<std::unique_ptr<int>>>);
static_assert(std::is_same_v<mpsc::receiver<int>::error_type, pollux::never>);
static_assert(std::is_copy_constructible_v<mpsc::sender<std::unique_ptr<int>>> &&
              std::is_nothrow_move_assignable_v<mpsc::sender<int>>);
static_assert(!std::is_copy_constructible_v<mpsc::receiver<int>> &&
              std::is_nothrow_move_assignable_v<mpsc::receiver<int>>);
static_assert(!std::is_copy_constructible_v<mpsc::slot<int>>);
static_assert(sizeof(pollux::detail::mpsc_channel<int>) <= 240);

}  // namespace

TEST_SUITE("sync/mpsc") {
    TEST_CASE("channel: refuses a capacity of 0 and one that is beyond counting") {
        CHECK_THROWS_AS(mpsc::channel<int>(0), std::invalid_argument);
        CHECK_THROWS_AS(mpsc::channel<int>(~std::size_t{0}), std::invalid_argument);
    }

    TEST_CASE("channel: holds exactly its capacity, and a place is free again once an item is received") {
        for (const std::size_t capacity : {1u, 2u, 3u, 100u}) {
            CAPTURE(capacity);
            auto [tx, rx] = mpsc::channel<int>(capacity);
            for (int round = 0; round != 5; ++round) {
                for (std::size_t i = 0; i != capacity; ++i) CHECK(try_send(tx, 1) == send_status::sent);
                CHECK(try_send(tx, 1) == send_status::full);
                CHECK(rx.try_recv() == 1);
                CHECK(try_send(tx, 2) == send_status::sent);
                CHECK(try_send(tx, 2) == send_status::full);
                for (std::size_t i = 0; i != capacity; ++i) CHECK(rx.try_recv().has_value());
                CHECK_FALSE(rx.try_recv().has_value());
            }
        }
    }

    TEST_CASE("items arrive in the order in which they were sent, over many blocks") {
        auto [tx, rx] = mpsc::unbounded<int>();
        int next_in = 0;
        int next_out = 0;
        for (int round = 0; round != 60; ++round) {
            for (int i = 0; i != round; ++i) CHECK(try_send(tx, next_in++) == send_status::sent);
            for (int i = 0; i != round - round % 7; ++i) CHECK(rx.try_recv() == next_out++);
        }
        while (const auto item = rx.try_recv()) CHECK(*item == next_out++);
        CHECK(next_in == next_out);
    }

    TEST_CASE("recv: a waiting receiver is woken by a send, and only the latest waker is") {
        auto [tx, rx] = mpsc::channel<std::string>(1);
        wake_counter first;
        wake_counter second;
        CHECK(poll_stream_with(rx, first).is_pending());
        CHECK(poll_stream_with(rx, second).is_pending());
        CHECK(poll_stream_with(rx, second).is_pending());
        std::string value = "hello";
        CHECK(tx.try_send(value) == send_status::sent);
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        auto answer = poll_stream_with(rx, second);
        REQUIRE(answer.has_value());
        CHECK(answer.value() == "hello");
        CHECK(poll_stream_with(rx, second).is_pending());
    }

    TEST_CASE("recv: the end comes when the last sender is gone and all is received, and stays") {
        auto [tx, rx] = mpsc::channel<int>(4);
        wake_counter task;
        CHECK(poll_stream_with(rx, task).is_pending());
        {
            auto copy = tx;
            auto moved = std::move(tx);
            CHECK(try_send(copy, 5) == send_status::sent);
            CHECK(task.count() == 1);
        }
        CHECK(block_on(rx.recv()) == 5);
        CHECK_FALSE(block_on(rx.recv()).has_value());
        CHECK_FALSE(block_on(rx.recv()).has_value());
    }

    TEST_CASE("recv: a waiting receiver is woken by the drop of the last sender, not of another") {
        auto [tx, rx] = mpsc::unbounded<int>();
        wake_counter task;
        auto other = tx;
        CHECK(poll_stream_with(rx, task).is_pending());
        { const auto dropped = std::move(tx); }
        CHECK(task.count() == 0);
        { const auto dropped = std::move(other); }
        CHECK(task.count() == 1);
        auto answer = poll_stream_with(rx, task);
        REQUIRE(answer.has_value());
        CHECK_FALSE(answer.value().has_value());
    }

    TEST_CASE("recv: dropped while it is pending it loses nothing") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        {
            auto fut = rx.recv();
            CHECK(poll_with(fut, task).is_pending());
            CHECK(try_send(tx, 3) == send_status::sent);
        }
        CHECK(block_on(rx.recv()) == 3);
    }

#ifndef NDEBUG
    TEST_CASE(
        "recv: a debug build stops with a message when it is polled after it was ready, and takes no further item") {
        auto [tx, rx] = mpsc::channel<int>(2);
        for (const int i : {1, 2}) CHECK(try_send(tx, i) == send_status::sent);
        const auto message = pollux::test::message_of_second_poll(rx.recv());
        CHECK(message.starts_with("pollux: mpsc: recv() was polled after it was ready"));
        auto [sends, receives] = mpsc::unbounded<int>();
        for (const int i : {1, 2}) CHECK(try_send(sends, i) == send_status::sent);
        const auto of_unbounded = pollux::test::message_of_second_poll(receives.recv());
        CHECK(of_unbounded.starts_with("pollux: mpsc: recv() was polled after it was ready"));
    }
#endif

    TEST_CASE("receiver: may be moved while it waits; one that was moved from is at its end") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        CHECK(poll_stream_with(rx, task).is_pending());
        auto moved = std::move(rx);
        CHECK(try_send(tx, 3) == send_status::sent);
        CHECK(task.count() == 1);
        CHECK(block_on(moved.recv()) == 3);
        CHECK_FALSE(block_on(rx.recv()).has_value());
        CHECK_FALSE(rx.try_recv().has_value());
    }

    TEST_CASE("receiver: a spent budget loses no item") {
        auto [tx, rx] = mpsc::channel<int>(8);
        for (int i = 0; i != 4; ++i) CHECK(try_send(tx, i) == send_status::sent);
        wake_counter task;
        const auto waker = task.waker();
        pollux::detail::poll_budget budget = pollux::test::budget_of(2);
        context cx(waker, &budget);
        CHECK(rx.poll_next(cx).value() == 0);
        CHECK(rx.poll_next(cx).value() == 1);
        CHECK(rx.poll_next(cx).is_pending());
        CHECK(task.count() == 1);
        CHECK(block_on(rx.recv()) == 2);
    }

    TEST_CASE("send: does nothing before its first poll") {
        auto [tx, rx] = mpsc::channel<int>(1);
        { const auto dropped = tx.send(1); }
        auto fut = tx.send(2);
        CHECK_FALSE(rx.try_recv().has_value());
        auto [unbounded_tx, unbounded_rx] = mpsc::unbounded<int>();
        { const auto dropped = unbounded_tx.send(1); }
        auto unbounded_fut = unbounded_tx.send(2);
        CHECK_FALSE(unbounded_rx.try_recv().has_value());
        CHECK(block_on(std::move(fut)).has_value());
        CHECK(block_on(std::move(unbounded_fut)).has_value());
        CHECK(rx.try_recv() == 2);
        CHECK(unbounded_rx.try_recv() == 2);
    }

    TEST_CASE("send: waits for a place; who waits is served in the order of the first polls") {
        auto [tx, rx] = mpsc::channel<int>(1);
        CHECK(try_send(tx, 0) == send_status::sent);
        wake_counter first;
        wake_counter second;
        auto late = tx.send(2);
        auto early = tx.send(1);
        CHECK(poll_with(early, first).is_pending());
        CHECK(poll_with(late, second).is_pending());
        CHECK(rx.try_recv() == 0);
        CHECK(first.count() == 1);
        CHECK(second.count() == 0);
        CHECK(poll_with(late, second).is_pending());
        CHECK(poll_with(early, first).has_value());
        CHECK(rx.try_recv() == 1);
        CHECK(second.count() == 1);
        CHECK(poll_with(late, second).has_value());
        CHECK(rx.try_recv() == 2);
    }

    TEST_CASE("try_send: overtakes nobody who waits, and leaves a refused value alone") {
        auto [tx, rx] = mpsc::channel<std::unique_ptr<int>>(1);
        auto value = std::make_unique<int>(1);
        CHECK(tx.try_send(value) == send_status::sent);
        CHECK(value == nullptr);
        wake_counter task;
        auto waits = tx.send(std::make_unique<int>(2));
        CHECK(poll_with(waits, task).is_pending());
        CHECK(**rx.try_recv() == 1);
        value = std::make_unique<int>(3);
        CHECK(tx.try_send(value) == send_status::full);
        CHECK(value != nullptr);
        CHECK(poll_with(waits, task).has_value());
        rx.close();
        CHECK(tx.try_send(value) == send_status::disconnected);
        CHECK(value != nullptr);
        CHECK(**rx.try_recv() == 2);
    }

    TEST_CASE("send: dropped while it waits, or after it was granted a place, it passes that on") {
        auto [tx, rx] = mpsc::channel<int>(1);
        CHECK(try_send(tx, 0) == send_status::sent);
        wake_counter task;
        {
            auto waits = tx.send(1);
            CHECK(poll_with(waits, task).is_pending());
        }
        CHECK(task.count() == 0);
        CHECK_FALSE(task.is_kept());
        wake_counter next;
        auto after = tx.send(3);
        {
            auto granted = tx.send(2);
            CHECK(poll_with(granted, task).is_pending());
            CHECK(poll_with(after, next).is_pending());
            CHECK(rx.try_recv() == 0);
            CHECK(task.count() == 1);
            CHECK(next.count() == 0);
        }
        CHECK(next.count() == 1);
        CHECK(poll_with(after, next).has_value());
        CHECK(rx.try_recv() == 3);
        CHECK(try_send(tx, 4) == send_status::sent);
    }

    TEST_CASE("send: with a spent budget it keeps its place and sends in a later poll") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        const auto waker = task.waker();
        pollux::detail::poll_budget budget = pollux::test::budget_of(0);
        context cx(waker, &budget);
        auto fut = tx.send(1);
        CHECK(fut.poll(cx).is_pending());
        CHECK(task.count() == 1);
        CHECK_FALSE(rx.try_recv().has_value());
        CHECK(try_send(tx, 2) == send_status::full);
        CHECK(poll_with(fut, task).has_value());
        CHECK(rx.try_recv() == 1);

        auto [unbounded_tx, unbounded_rx] = mpsc::unbounded<int>();
        auto other = unbounded_tx.send(1);
        CHECK(other.poll(cx).is_pending());
        CHECK_FALSE(unbounded_rx.try_recv().has_value());
        CHECK(poll_with(other, task).has_value());
        CHECK(unbounded_rx.try_recv() == 1);
    }

    TEST_CASE("send: counts as a sender, so the channel may be dropped before its future") {
        auto [tx, rx] = mpsc::channel<int>(1);
        auto fut = tx.send(7);
        { const auto dropped = std::move(tx); }
        wake_counter task;
        CHECK(poll_stream_with(rx, task).is_pending());
        CHECK(block_on(std::move(fut)).has_value());
        CHECK(block_on(rx.recv()) == 7);
        CHECK_FALSE(block_on(rx.recv()).has_value());
    }

    TEST_CASE("send: fails once the receiver is gone, and everything is destroyed") {
        std::atomic<int> alive = 0;
        {
            auto [tx, rx] = mpsc::channel<tracked>(2);
            for (int i = 0; i != 2; ++i) CHECK(block_on(tx.send(tracked(alive))).has_value());
            wake_counter task;
            auto waits = tx.send(tracked(alive));
            CHECK(poll_with(waits, task).is_pending());
            CHECK(alive == 3);
            { const auto dropped = std::move(rx); }
            CHECK(alive == 1);
            CHECK(task.count() == 1);
            CHECK(poll_with(waits, task).has_error());
            CHECK(tx.is_closed());
            CHECK_FALSE(block_on(tx.send(tracked(alive))).has_value());
        }
        CHECK(alive == 0);
        {
            auto [tx, rx] = mpsc::unbounded<tracked>();
            for (int i = 0; i != 50; ++i) CHECK(block_on(tx.send(tracked(alive))).has_value());
            CHECK(alive == 50);
            CHECK(rx.try_recv().has_value());
            { const auto dropped = std::move(rx); }
            CHECK(alive == 0);
            tracked refused(alive);
            CHECK(tx.try_send(refused) == send_status::disconnected);
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
    }

    TEST_CASE("what was never received is destroyed with the channel, whichever end goes last") {
        std::atomic<int> alive = 0;
        for (const bool sender_first : {true, false}) {
            auto [tx, rx] = mpsc::unbounded<tracked>();
            for (int i = 0; i != 70; ++i) CHECK(block_on(tx.send(tracked(alive))).has_value());
            if (sender_first) {
                {
                    const auto dropped = std::move(tx);
                }
                CHECK(alive == 70);
                CHECK(rx.try_recv().has_value());
                { const auto dropped = std::move(rx); }
            } else {
                { const auto dropped = std::move(rx); }
                { const auto dropped = std::move(tx); }
            }
            CHECK(alive == 0);
        }
    }

    TEST_CASE("reserve: a slot is a place that cannot be lost; dropped unused it gives the place back") {
        auto [tx, rx] = mpsc::channel<int>(1);
        {
            auto slot = block_on(tx.reserve());
            REQUIRE(slot.has_value());
            CHECK(try_send(tx, 1) == send_status::full);
            CHECK_FALSE(rx.try_recv().has_value());
            auto moved = std::move(*slot);
            moved.send(4);
            CHECK(rx.try_recv() == 4);
        }
        {
            auto slot = block_on(tx.reserve());
            REQUIRE(slot.has_value());
            wake_counter task;
            auto waits = tx.reserve();
            CHECK(poll_with(waits, task).is_pending());
            *slot = *block_on(pollux::sync::mpsc::channel<int>(1).first.reserve());
            CHECK(task.count() == 1);
            CHECK(poll_with(waits, task).has_value());
        }
        CHECK(try_send(tx, 5) == send_status::sent);
        rx.close();
        CHECK_FALSE(block_on(tx.reserve()).has_value());
    }

    TEST_CASE("reserve: a slot keeps the stream from ending") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        auto slot = block_on(tx.reserve());
        { const auto dropped = std::move(tx); }
        CHECK(poll_stream_with(rx, task).is_pending());
        slot->send(6);
        CHECK(task.count() == 1);
        CHECK(block_on(rx.recv()) == 6);
        CHECK_FALSE(block_on(rx.recv()).has_value());
    }

    TEST_CASE("reserve: of an unbounded channel a slot is there at once, and is a sender until close()") {
        auto [tx, rx] = mpsc::unbounded<std::unique_ptr<int>>();
        wake_counter task;
        auto slot = block_on(tx.reserve());
        REQUIRE(slot.has_value());
        static_assert(std::is_same_v<decltype(slot)::value_type, mpsc::slot<std::unique_ptr<int>>>);
        static_cast<void>(block_on(tx.reserve()));  // dropped unused
        auto late = block_on(tx.reserve());
        REQUIRE(late.has_value());
        const auto other = tx;
        { const auto dropped = std::move(tx); }
        CHECK(poll_stream_with(rx, task).is_pending());
        slot->send(std::make_unique<int>(6));
        CHECK(task.count() == 1);
        CHECK(**block_on(rx.recv()) == 6);
        rx.close();
        late->send(std::make_unique<int>(7));
        CHECK_FALSE(block_on(rx.recv()).has_value());
        CHECK_FALSE(block_on(other.reserve()).has_value());
        CHECK_FALSE(block_on(tx.reserve()).has_value());
    }

    TEST_CASE("close: refuses what comes, hands out what is queued or reserved, then ends") {
        auto [tx, rx] = mpsc::channel<int>(3);
        wake_counter task;
        CHECK(try_send(tx, 1) == send_status::sent);
        auto slot = block_on(tx.reserve());
        auto other = block_on(tx.reserve());
        wake_counter sending;
        auto waits = tx.send(9);
        CHECK(poll_with(waits, sending).is_pending());
        rx.close();
        rx.close();
        CHECK(sending.count() == 1);
        CHECK(poll_with(waits, sending).has_error());
        CHECK(tx.is_closed());
        CHECK_FALSE(block_on(tx.send(8)).has_value());
        CHECK(poll_stream_with(rx, task).value() == 1);
        CHECK(poll_stream_with(rx, task).is_pending());
        slot->send(2);
        CHECK(task.count() == 1);
        CHECK(poll_stream_with(rx, task).value() == 2);
        CHECK(poll_stream_with(rx, task).is_pending());
        // Unused: the last place is back, which ends the stream though the sender lives.
        { const auto dropped = std::move(*other); }
        CHECK(task.count() == 2);
        auto end = poll_stream_with(rx, task);
        REQUIRE(end.has_value());
        CHECK_FALSE(end.value().has_value());
    }

    TEST_CASE("close: a send that was granted its place before goes through, and dropped it ends the stream") {
        for (const bool drops : {false, true}) {
            auto [tx, rx] = mpsc::channel<int>(1);
            CHECK(try_send(tx, 1) == send_status::sent);
            wake_counter sending;
            wake_counter receiving;
            auto waits = std::optional(tx.send(2));
            CHECK(poll_with(*waits, sending).is_pending());
            CHECK(rx.try_recv() == 1);
            rx.close();
            CHECK(poll_stream_with(rx, receiving).is_pending());
            if (drops) {
                waits.reset();
                CHECK(receiving.count() == 1);
            } else {
                CHECK(poll_with(*waits, sending).has_value());
                CHECK(poll_stream_with(rx, receiving).value() == 2);
            }
            auto end = poll_stream_with(rx, receiving);
            REQUIRE(end.has_value());
            CHECK_FALSE(end.value().has_value());
        }
    }

    TEST_CASE("close: of an unbounded channel") {
        auto [tx, rx] = mpsc::unbounded<int>();
        for (int i = 0; i != 40; ++i) CHECK(try_send(tx, i) == send_status::sent);
        rx.close();
        CHECK(tx.is_closed());
        CHECK(try_send(tx, 40) == send_status::disconnected);
        for (int i = 0; i != 40; ++i) CHECK(block_on(rx.recv()) == i);
        CHECK_FALSE(block_on(rx.recv()).has_value());
        CHECK_FALSE(block_on(rx.recv()).has_value());
    }
}

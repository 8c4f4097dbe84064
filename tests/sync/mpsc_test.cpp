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
#include "support/heap_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/tracked.hpp"
#include "support/wake_counter.hpp"

namespace {

namespace mpsc = pollux::sync::mpsc;
using pollux::block_on;
using pollux::context;
using pollux::sync::send_status;
using pollux::test::heap_counter;
using pollux::test::poll_with;
using pollux::test::tracked;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

static_assert(pollux::sink<mpsc::sender<std::unique_ptr<int>>> && pollux::sink<mpsc::unbounded_sender<int>>);
static_assert(pollux::stream<mpsc::receiver<std::unique_ptr<int>>>);
static_assert(std::is_same_v<mpsc::receiver<int>::error_type, pollux::never>);
static_assert(std::is_copy_constructible_v<mpsc::sender<std::unique_ptr<int>>> &&
              std::is_nothrow_move_assignable_v<mpsc::sender<int>>);
static_assert(!std::is_copy_constructible_v<mpsc::receiver<int>> &&
              std::is_nothrow_move_assignable_v<mpsc::receiver<int>>);
static_assert(!std::is_copy_constructible_v<mpsc::slot<int>>);
static_assert(sizeof(pollux::detail::mpsc_channel<int>) <= 240);

auto poll_stream_with(auto& source, const wake_counter& counter) {
    const auto waker = counter.waker();
    context cx(waker);
    return source.poll_next(cx);
}
auto poll_ready_with(auto& sink, const wake_counter& counter) {
    const auto waker = counter.waker();
    context cx(waker);
    return sink.poll_ready(cx);
}
send_status try_send(const auto& tx, int value) { return tx.try_send(value); }

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

    TEST_CASE("closed: is ready once the receiver closes or goes; no waiter is left behind") {
        wake_counter first;
        wake_counter second;
        for (const bool closes : {true, false}) {
            auto [tx, rx] = mpsc::channel<int>(1);
            const int before = first.count();
            auto a = tx.closed();
            auto b = tx.closed();
            {
                auto dropped = tx.closed();
                CHECK(poll_with(dropped, second).is_pending());
            }
            CHECK_FALSE(second.is_kept());
            CHECK(poll_with(a, second).is_pending());
            CHECK(poll_with(a, first).is_pending());
            CHECK(poll_with(b, first).is_pending());
            CHECK_FALSE(second.is_kept());
            if (closes)
                rx.close();
            else
                const auto dropped = std::move(rx);
            CHECK(first.count() == before + 2);
            CHECK(poll_with(a, first).is_ready());
            CHECK(poll_with(b, first).is_ready());
        }
        CHECK(second.count() == 0);
    }

    TEST_CASE("sink: a reserved place belongs to one sender, goes with it when it moves, and comes back with it") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        auto other = tx;
        CHECK(poll_ready_with(tx, task).has_value());
        CHECK(poll_ready_with(tx, task).has_value());
        CHECK(poll_ready_with(other, task).is_pending());
        auto moved = std::move(tx);
        CHECK(moved.start_send(1).has_value());
        const auto waker = task.waker();
        context cx(waker);
        CHECK(moved.poll_flush(cx).has_value());
        CHECK(rx.try_recv() == 1);
        CHECK(task.count() == 1);
        // The other has been granted it by now, and is moved while it holds it.
        auto copy = other;
        auto moved_other = std::move(other);
        CHECK(poll_ready_with(copy, task).is_pending());
        CHECK(poll_ready_with(moved_other, task).has_value());
        { const auto dropped = std::move(moved_other); }
        CHECK(task.count() == 2);
        CHECK(poll_ready_with(copy, task).has_value());
        CHECK(copy.start_send(2).has_value());
        CHECK(rx.try_recv() == 2);
    }

    TEST_CASE("sink: a sender that waits for a place may be moved, used again, and dropped") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        for (int i = 0; i != 4; ++i) {
            CHECK(try_send(tx, i) == send_status::sent);
            CHECK(poll_ready_with(tx, task).is_pending());
            auto moved = std::move(tx);
            CHECK(rx.try_recv() == i);
            CHECK(task.count() == i + 1);
            CHECK(poll_ready_with(moved, task).has_value());
            CHECK(moved.start_send(-1).has_value());
            CHECK(rx.try_recv() == -1);
            tx = std::move(moved);
        }
        CHECK(try_send(tx, 0) == send_status::sent);
        {
            auto copy = tx;
            CHECK(poll_ready_with(copy, task).is_pending());
        }
        CHECK_FALSE(task.is_kept());
        CHECK(rx.try_recv() == 0);
        CHECK(try_send(tx, 1) == send_status::sent);
    }

    TEST_CASE("sink: poll_close ends this sender and no other") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        auto copy = tx;
        CHECK(poll_ready_with(tx, task).has_value());
        CHECK(tx.poll_close(cx).has_value());
        CHECK(tx.is_closed());
        CHECK(poll_ready_with(tx, task).has_error());
        CHECK(try_send(tx, 1) == send_status::disconnected);
        CHECK_FALSE(block_on(tx.send(1)).has_value());
        CHECK_FALSE(block_on(tx.reserve()).has_value());
        CHECK(try_send(copy, 1) == send_status::sent);
        CHECK(poll_stream_with(rx, task).value() == 1);
        CHECK(poll_stream_with(rx, task).is_pending());
        CHECK(copy.poll_close(cx).has_value());
        CHECK(task.count() == 1);
        CHECK_FALSE(block_on(rx.recv()).has_value());
    }

    TEST_CASE("sink: fails when the receiver is gone; a place reserved before close() still takes an item") {
        auto [tx, rx] = mpsc::channel<int>(1);
        wake_counter task;
        CHECK(poll_ready_with(tx, task).has_value());
        rx.close();
        CHECK(tx.start_send(1).has_value());
        CHECK(poll_ready_with(tx, task).has_error());
        CHECK(block_on(rx.recv()) == 1);
        CHECK_FALSE(block_on(rx.recv()).has_value());

        auto [other, gone] = mpsc::channel<int>(1);
        CHECK(poll_ready_with(other, task).has_value());
        { const auto dropped = std::move(gone); }
        CHECK_FALSE(other.start_send(1).has_value());

        auto [unbounded_tx, unbounded_rx] = mpsc::unbounded<int>();
        CHECK(poll_ready_with(unbounded_tx, task).has_value());
        CHECK(unbounded_tx.start_send(3).has_value());
        CHECK(unbounded_rx.try_recv() == 3);
        { const auto dropped = std::move(unbounded_rx); }
        CHECK_FALSE(unbounded_tx.start_send(1).has_value());
        CHECK(poll_ready_with(unbounded_tx, task).has_error());
    }

    TEST_CASE("a dropped receiver lets go of its waker while senders live") {
        auto [tx, rx] = mpsc::unbounded<int>();
        wake_counter task;
        CHECK(poll_stream_with(rx, task).is_pending());
        CHECK(task.is_kept());
        { const auto dropped = std::move(rx); }
        CHECK_FALSE(task.is_kept());
    }

    TEST_CASE("a wake-up may receive, send and drop from inside the send that causes it") {
        auto [tx, rx] = mpsc::channel<int>(2);
        wake_counter task;
        CHECK(poll_stream_with(rx, task).is_pending());
        int received = 0;
        auto end = std::optional(std::move(rx));
        task.on_wake([&] {
            received = end->try_recv().value_or(-1);
            end.reset();
        });
        CHECK(try_send(tx, 6) == send_status::sent);
        CHECK(received == 6);
        CHECK(tx.is_closed());
    }

    TEST_CASE("a wake-up may drop the futures that are still to be woken, and the last sender") {
        auto [tx, rx] = mpsc::channel<int>(1);
        CHECK(try_send(tx, 1) == send_status::sent);
        wake_counter send_task;
        wake_counter closed_task;
        std::list<decltype(tx.send(2))> sends;
        std::list<decltype(tx.closed())> waits;
        for (int i = 0; i != 20; ++i) {
            CHECK(poll_with(sends.emplace_back(tx.send(2)), send_task).is_pending());
            CHECK(poll_with(waits.emplace_back(tx.closed()), closed_task).is_pending());
        }
        auto last = std::optional(std::move(tx));
        send_task.on_wake([&] {
            last.reset();
            sends.clear();
        });
        closed_task.on_wake([&waits] { waits.clear(); });
        { const auto dropped = std::move(rx); }
        CHECK(send_task.count() >= 1);
        CHECK(send_task.count() < 20);
        CHECK(closed_task.count() >= 1);
        CHECK(closed_task.count() < 20);
        CHECK_FALSE(send_task.is_kept());
        CHECK_FALSE(closed_task.is_kept());
    }

    TEST_CASE("an item may own a sender of its own channel") {
        struct letter;
        using sender = mpsc::unbounded_sender<letter>;
        struct letter {
            std::shared_ptr<sender> reply;
        };
        const heap_counter heap;
        {
            auto [tx, rx] = mpsc::unbounded<letter>();
            letter one{std::make_shared<sender>(tx)};
            CHECK(tx.try_send(one) == send_status::sent);
        }
        CHECK(heap.by_this_thread() == heap.given_back());
    }

    TEST_CASE("one allocation for a channel, one for a block, and none for futures that wait") {
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        const heap_counter heap;
        {
            auto [tx, rx] = mpsc::channel<int>(100);
            CHECK(heap.by_this_thread() == 1);
            CHECK(rx.poll_next(cx).is_pending());
            for (int i = 0; i != 100; ++i) CHECK(try_send(tx, i) == send_status::sent);
            CHECK(heap.by_this_thread() == 1 + 4);
            {
                auto waits = tx.send(100);
                CHECK(waits.poll(cx).is_pending());
                auto closed = tx.closed();
                CHECK(closed.poll(cx).is_pending());
            }
            CHECK(heap.by_this_thread() == 1 + 4);
            for (int i = 0; i != 100; ++i) CHECK(rx.try_recv() == i);
            // Empty again: the last block, the one before it, and a spare one.
            CHECK(heap.by_this_thread() - heap.given_back() <= 1 + 3);
            // A queue that stays short lives on two blocks.
            const auto before = heap.by_this_thread();
            for (int i = 0; i != 1000; ++i) {
                CHECK(try_send(tx, i) == send_status::sent);
                CHECK(rx.try_recv() == i);
            }
            CHECK(heap.by_this_thread() <= before + 1);
        }
        CHECK(heap.by_this_thread() == heap.given_back());
    }

    TEST_CASE("unit, over-aligned and large items") {
        auto [tx, rx] = mpsc::unbounded<pollux::unit>();
        pollux::unit nothing;
        CHECK(tx.try_send(nothing) == send_status::sent);
        CHECK(rx.try_recv().has_value());

        struct alignas(128) wide {
            int number;
            char filling[1000];
        };
        auto [wide_tx, wide_rx] = mpsc::channel<wide>(10);
        for (int i = 0; i != 10; ++i) {
            wide item{i, {}};
            CHECK(wide_tx.try_send(item) == send_status::sent);
        }
        for (int i = 0; i != 10; ++i) CHECK(wide_rx.try_recv()->number == i);
    }

    TEST_CASE("a debug build stops with a message at start_send without a place, and at a slot used twice") {
#ifndef NDEBUG
        CHECK(pollux::test::message_of_abort([] {
                  auto [tx, rx] = mpsc::channel<int>(1);
                  static_cast<void>(tx.start_send(1));
              }).starts_with("pollux: mpsc: start_send without a place"));
        CHECK(pollux::test::message_of_abort([] {
                  auto [tx, rx] = mpsc::channel<int>(1);
                  auto slot = block_on(tx.reserve());
                  slot->send(1);
                  slot->send(1);
              }).starts_with("pollux: mpsc: a slot was used twice"));
        CHECK(pollux::test::message_of_abort([] {
                  auto [tx, rx] = mpsc::channel<int>(1);
                  auto fut = tx.send(1);
                  static_cast<void>(poll_once(fut));
                  static_cast<void>(poll_once(fut));
              }).starts_with("pollux: mpsc: a send was polled after it was ready"));
#endif
    }
}

// SPDX-License-Identifier: MIT
// The ends of an mpsc channel: what closing, moving and dropping them does, the sender as a sink, and memory.
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
#include "support/wake_counter.hpp"
#include "sync/mpsc_fixture.hpp"

namespace {

namespace mpsc = pollux::sync::mpsc;
using pollux::block_on;
using pollux::context;
using pollux::sync::send_status;
using pollux::test::heap_counter;
using pollux::test::poll_ready_with;
using pollux::test::poll_stream_with;
using pollux::test::poll_with;
using pollux::test::try_send;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

}  // namespace

TEST_SUITE("sync/mpsc ends") {
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

    TEST_CASE(
        "the end comes after any number of sends, through senders that were copied, moved and assigned meanwhile") {
        heap_counter heap;
        const auto run = [](auto tx, auto rx) {
            int sent = 0;
            int received = 0;
            const auto send = [&](const auto& through, int items) {
                for (int i = 0; i != items; ++i) {
                    if (try_send(through, sent) == send_status::sent) ++sent;
                    if (rx.try_recv().has_value()) ++received;
                }
            };
            send(tx, 700);
            auto other = tx;
            send(other, 700);
            auto moved = std::move(tx);
            send(moved, 700);
            other = std::move(moved);
            send(other, 2000);
            moved = other;
            std::swap(moved, other);
            send(moved, 1);
            CHECK(sent == 4101);
            CHECK(received == sent);
            {
                const auto last = std::move(moved);
                send(other, 0);
                const auto unused = last.send(0);
            }
            int value = -1;
            CHECK(other.try_send(value) == send_status::sent);
            { const auto last = std::move(other); }
            CHECK(block_on(rx.recv()) == -1);
            CHECK(block_on(rx.recv()) == std::nullopt);
        };
        {
            auto [tx, rx] = mpsc::channel<int>(2);
            run(std::move(tx), std::move(rx));
        }
        {
            auto [tx, rx] = mpsc::unbounded<int>();
            run(std::move(tx), std::move(rx));
        }
        CHECK(heap.given_back() == heap.by_this_thread());
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

    TEST_CASE("a place that came back while nobody waited is there for whoever asks next, in each way") {
        auto [tx, rx] = mpsc::channel<int>(2);
        for (int i = 0; i != 2; ++i) CHECK(try_send(tx, i) == send_status::sent);
        wake_counter task;
        int next_out = 0;
        for (int way = 0; way != 4; ++way) {
            CAPTURE(way);
            CHECK(rx.try_recv() == next_out++);
            const int item = way + 2;
            if (way == 0) CHECK(try_send(tx, item) == send_status::sent);
            if (way == 1) {
                auto fut = tx.send(item);
                CHECK(poll_with(fut, task).has_value());
            }
            if (way == 2) {
                auto fut = tx.reserve();
                auto slot = poll_with(fut, task);
                REQUIRE(slot.has_value());
                slot.value().send(item);
            }
            if (way == 3) {
                CHECK(poll_ready_with(tx, task).has_value());
                CHECK(tx.start_send(item).has_value());
            }
            auto waits = tx.send(item);
            CHECK(poll_with(waits, task).is_pending());
        }
        CHECK(task.count() == 0);
    }

    TEST_CASE("of places that come back those who wait get one each, and the rest is kept") {
        auto [tx, rx] = mpsc::channel<int>(5);
        for (int i = 0; i != 5; ++i) CHECK(try_send(tx, i) == send_status::sent);
        wake_counter first;
        wake_counter second;
        auto a = tx.send(5);
        auto b = tx.send(6);
        CHECK(poll_with(a, first).is_pending());
        CHECK(poll_with(b, second).is_pending());
        CHECK(rx.try_recv() == 0);
        CHECK(first.count() == 1);
        CHECK(second.count() == 0);
        for (int i = 1; i != 5; ++i) CHECK(rx.try_recv() == i);
        CHECK(first.count() == 1);
        CHECK(second.count() == 1);
        for (int i = 0; i != 3; ++i) CHECK(try_send(tx, 7 + i) == send_status::sent);
        CHECK(try_send(tx, 10) == send_status::full);
        CHECK(poll_with(a, first).has_value());
        CHECK(poll_with(b, second).has_value());
        for (const int item : {7, 8, 9, 5, 6}) CHECK(rx.try_recv() == item);
    }

    TEST_CASE(
        "receiver: what it has seen and not given yet goes with it when it moves, and is destroyed when it goes") {
        for (const bool closes : {false, true}) {
            CAPTURE(closes);
            const auto count = std::make_shared<int>();
            auto [tx, rx] = mpsc::channel<std::shared_ptr<int>>(100);
            for (int i = 0; i != 50; ++i) {
                auto item = count;
                CHECK(tx.try_send(item) == send_status::sent);
            }
            for (int i = 0; i != 3; ++i) CHECK(rx.try_recv().has_value());
            auto moved = std::move(rx);
            CHECK(moved.try_recv().has_value());
            CHECK(count.use_count() == 1 + 46);
            if (closes) {
                moved.close();
                for (int i = 0; i != 46; ++i) CHECK(block_on(moved.recv()).has_value());
                CHECK_FALSE(block_on(moved.recv()).has_value());
            } else {
                const auto dropped = std::move(moved);
            }
            CHECK(count.use_count() == 1);
        }
    }

    TEST_CASE("recv: takes one unit of the budget, where next() takes two") {
        auto [tx, rx] = mpsc::channel<int>(4);
        for (int i = 0; i != 4; ++i) CHECK(try_send(tx, i) == send_status::sent);
        wake_counter task;
        const auto waker = task.waker();
        auto budget = pollux::test::budget_of(3);
        context cx(waker, &budget);
        auto received = rx.recv();
        CHECK(received.poll(cx).value() == 0);
        auto after = pollux::next(rx);
        CHECK(after.poll(cx).value() == 1);
        auto spent = rx.recv();
        CHECK(spent.poll(cx).is_pending());
        CHECK(task.count() == 1);
        CHECK(rx.try_recv() == 2);
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

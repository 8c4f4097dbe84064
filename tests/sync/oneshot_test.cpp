// SPDX-License-Identifier: MIT
#include "pollux/sync/oneshot.hpp"

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/testing/poll.hpp"
#include "support/end_of_process.hpp"
#include "support/wake_counter.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace {

namespace oneshot = pollux::sync::oneshot;
using pollux::context;
using pollux::sync::disconnected;
using pollux::test::wake_counter;

static_assert(pollux::future<oneshot::receiver<int>>);
static_assert(pollux::future<oneshot::closed_future<int>>);
static_assert(!std::is_copy_constructible_v<oneshot::sender<int>> &&
              !std::is_copy_constructible_v<oneshot::receiver<int>>);
static_assert(std::is_nothrow_move_assignable_v<oneshot::sender<int>> &&
              std::is_nothrow_move_assignable_v<oneshot::receiver<int>>);

// Counts its living objects.
struct tracked {
    explicit tracked(int& alive) : alive_(&alive) { ++alive; }
    tracked(tracked&& other) noexcept : alive_(other.alive_) { ++*alive_; }
    tracked& operator=(tracked&&) = delete;
    ~tracked() { --*alive_; }

private:
    int* alive_;
};

}  // namespace

TEST_SUITE("sync/oneshot") {
    TEST_CASE("a value sent before the first poll is received by it") {
        auto [tx, rx] = oneshot::channel<int>();
        CHECK(tx.send(7).has_value());
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        auto answer = rx.poll(cx);
        REQUIRE(answer.has_value());
        CHECK(answer.value() == 7);
        CHECK(task.count() == 0);
    }

    TEST_CASE("a waiting receiver is woken by the send") {
        auto [tx, rx] = oneshot::channel<std::string>();
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        CHECK(rx.poll(cx).is_pending());
        CHECK(rx.poll(cx).is_pending());
        CHECK(task.count() == 0);
        CHECK(tx.send("hello").has_value());
        CHECK(task.count() == 1);
        auto answer = rx.poll(cx);
        REQUIRE(answer.has_value());
        CHECK(answer.value() == "hello");
    }

    TEST_CASE("only the latest waker of the receiver is woken") {
        auto [tx, rx] = oneshot::channel<int>();
        wake_counter first;
        wake_counter second;
        const auto first_waker = first.waker();
        const auto second_waker = second.waker();
        context first_cx(first_waker);
        context second_cx(second_waker);
        CHECK(rx.poll(first_cx).is_pending());
        CHECK(rx.poll(second_cx).is_pending());
        CHECK(tx.send(1).has_value());
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
    }

    TEST_CASE("a dropped sender wakes the receiver, which fails") {
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        auto [tx, rx] = oneshot::channel<int>();
        CHECK(rx.poll(cx).is_pending());
        { const auto dropped = std::move(tx); }
        CHECK(task.count() == 1);
        auto answer = rx.poll(cx);
        REQUIRE(answer.has_error());
        CHECK(answer.error() == disconnected());
    }

    TEST_CASE("send: gives a value back that the receiver will not see") {
        auto [tx, rx] = oneshot::channel<std::unique_ptr<int>>();
        { const auto dropped = std::move(rx); }
        CHECK(tx.is_closed());
        auto result = tx.send(std::make_unique<int>(5));
        REQUIRE_FALSE(result.has_value());
        REQUIRE(result.error() != nullptr);
        CHECK(*result.error() == 5);
    }

    TEST_CASE("send: a second one gives the value back") {
        auto [tx, rx] = oneshot::channel<int>();
        CHECK_FALSE(tx.is_closed());
        CHECK(tx.send(1).has_value());
        CHECK(tx.is_closed());
        const auto second = tx.send(2);
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error() == 2);
        CHECK(rx.try_recv() == 1);
    }

    TEST_CASE("close: lets a later send fail and ends the receiver") {
        auto [tx, rx] = oneshot::channel<int>();
        rx.close();
        rx.close();
        CHECK(tx.is_closed());
        CHECK_FALSE(rx.try_recv().has_value());
        CHECK_FALSE(tx.send(1).has_value());
        const auto outcome = pollux::block_on(rx);
        CHECK_FALSE(outcome.has_value());
    }

    TEST_CASE("close: keeps a value that has come before") {
        auto [tx, rx] = oneshot::channel<int>();
        CHECK(tx.send(1).has_value());
        rx.close();
        const auto outcome = pollux::block_on(rx);
        REQUIRE(outcome.has_value());
        CHECK(*outcome == 1);
    }

    TEST_CASE("close: a receiver that waits ends at its next poll, though the sender lives") {
        auto [tx, rx] = oneshot::channel<int>();
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        CHECK(rx.poll(cx).is_pending());
        rx.close();
        CHECK(rx.poll(cx).has_error());
        CHECK(task.count() == 0);
        CHECK_FALSE(tx.send(1).has_value());
    }

    TEST_CASE("receiver: a debug build stops with a message when it is polled after it was ready") {
#ifndef NDEBUG
        const auto message = pollux::test::message_of_abort([] {
            auto [tx, rx] = oneshot::channel<int>();
            static_cast<void>(tx.send(1));
            static_cast<void>(pollux::testing::poll_once(rx));
            static_cast<void>(pollux::testing::poll_once(rx));
        });
        CHECK(message.starts_with("pollux: oneshot: the receiver was polled after it was ready"));
#endif
    }

    TEST_CASE("receiver: after try_recv has taken the value it fails") {
        auto [tx, rx] = oneshot::channel<int>();
        CHECK(tx.send(1).has_value());
        CHECK(rx.try_recv() == 1);
        CHECK(pollux::testing::poll_once(rx).has_error());
    }

    TEST_CASE("try_recv: empty before the value and after it") {
        auto [tx, rx] = oneshot::channel<int>();
        CHECK_FALSE(rx.try_recv().has_value());
        CHECK(tx.send(3).has_value());
        CHECK(rx.try_recv() == 3);
        CHECK_FALSE(rx.try_recv().has_value());
    }

    TEST_CASE("try_recv: empty once the sender is gone") {
        auto [tx, rx] = oneshot::channel<int>();
        { const auto dropped = std::move(tx); }
        CHECK_FALSE(rx.try_recv().has_value());
    }

    TEST_CASE("closed: is woken by the drop of the receiver") {
        auto [tx, rx] = oneshot::channel<int>();
        wake_counter first;
        wake_counter second;
        const auto first_waker = first.waker();
        const auto second_waker = second.waker();
        context first_cx(first_waker);
        context second_cx(second_waker);
        auto closed = tx.closed();
        CHECK(closed.poll(first_cx).is_pending());
        CHECK(closed.poll(second_cx).is_pending());
        { const auto dropped = std::move(rx); }
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        CHECK(closed.poll(second_cx).is_ready());
    }

    TEST_CASE("closed: is woken by close, and ready at once afterwards") {
        auto [tx, rx] = oneshot::channel<int>();
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        auto closed = tx.closed();
        CHECK(closed.poll(cx).is_pending());
        rx.close();
        CHECK(task.count() == 1);
        CHECK(closed.poll(cx).is_ready());
        auto again = tx.closed();
        CHECK(again.poll(cx).is_ready());
        CHECK(task.count() == 1);
    }

    TEST_CASE("closed: goes on while the sender is moved, and the sender can still send") {
        auto [tx, rx] = oneshot::channel<int>();
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        auto closed = tx.closed();
        CHECK(closed.poll(cx).is_pending());
        auto moved = std::move(tx);
        CHECK(closed.poll(cx).is_pending());
        CHECK(moved.send(4).has_value());
        CHECK(rx.try_recv() == 4);
        CHECK(task.count() == 0);
    }

#ifndef NDEBUG
    TEST_CASE("closed: a debug build stops with a message when it is polled after it was ready") {
        auto [tx, rx] = oneshot::channel<int>();
        rx.close();
        const auto message = pollux::test::message_of_second_poll(tx.closed());
        CHECK(message.starts_with("pollux: oneshot: closed() was polled after it was ready"));
    }
#endif

    TEST_CASE("both ends may be moved between polls") {
        auto [tx, rx] = oneshot::channel<int>();
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        CHECK(rx.poll(cx).is_pending());
        auto moved_rx = std::move(rx);
        auto moved_tx = std::move(tx);
        CHECK(moved_tx.send(9).has_value());
        CHECK(task.count() == 1);
        auto answer = moved_rx.poll(cx);
        REQUIRE(answer.has_value());
        CHECK(answer.value() == 9);
    }

    TEST_CASE("assignment drops the end that was there") {
        auto [tx, rx] = oneshot::channel<int>();
        auto [other_tx, other_rx] = oneshot::channel<int>();
        tx = std::move(other_tx);
        CHECK_FALSE(rx.try_recv().has_value());
        CHECK_FALSE(pollux::block_on(rx).has_value());
        CHECK(tx.send(1).has_value());
        CHECK(other_rx.try_recv() == 1);
    }

    TEST_CASE("a value is destroyed once, wherever it ends") {
        int alive = 0;
        SUBCASE("received") {
            auto [tx, rx] = oneshot::channel<tracked>();
            CHECK(tx.send(tracked(alive)).has_value());
            CHECK(alive == 1);
            const auto value = rx.try_recv();
            CHECK(alive == 1);
        }
        SUBCASE("sent, and the receiver dropped") {
            auto [tx, rx] = oneshot::channel<tracked>();
            CHECK(tx.send(tracked(alive)).has_value());
            CHECK(alive == 1);
            { const auto dropped = std::move(rx); }
            CHECK(alive == 0);
        }
        SUBCASE("given back") {
            auto [tx, rx] = oneshot::channel<tracked>();
            rx.close();
            {
                const auto result = tx.send(tracked(alive));
                CHECK_FALSE(result.has_value());
                CHECK(alive == 1);
            }
            CHECK(alive == 0);
        }
        CHECK(alive == 0);
    }

    TEST_CASE("no end keeps the waker of the other's task when both are gone") {
        wake_counter receiving;
        wake_counter sending;
        const auto drop_first = [&](bool sender_first) {
            auto [tx, rx] = oneshot::channel<int>();
            const auto receiving_waker = receiving.waker();
            const auto sending_waker = sending.waker();
            context receiving_cx(receiving_waker);
            context sending_cx(sending_waker);
            auto closed = tx.closed();
            CHECK(closed.poll(sending_cx).is_pending());
            CHECK(rx.poll(receiving_cx).is_pending());
            if (sender_first) {
                const auto dropped = std::move(tx);
            } else {
                const auto dropped = std::move(rx);
            }
        };
        drop_first(true);
        CHECK(receiving.count() == 1);
        CHECK(sending.count() == 0);
        CHECK_FALSE(receiving.is_kept());
        CHECK_FALSE(sending.is_kept());
        drop_first(false);
        CHECK(receiving.count() == 1);
        CHECK(sending.count() == 1);
        CHECK_FALSE(receiving.is_kept());
        CHECK_FALSE(sending.is_kept());
    }

    TEST_CASE("a dropped receiver lets go of its waker while the sender lives") {
        wake_counter task;
        auto [tx, rx] = oneshot::channel<int>();
        {
            const auto waker = task.waker();
            context cx(waker);
            CHECK(rx.poll(cx).is_pending());
        }
        CHECK(task.is_kept());
        { const auto dropped = std::move(rx); }
        CHECK_FALSE(task.is_kept());
        CHECK(tx.is_closed());
    }

    TEST_CASE("the wake-up may receive and drop from inside the send") {
        auto [tx, rx] = oneshot::channel<int>();
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        CHECK(rx.poll(cx).is_pending());
        int received = 0;
        task.on_wake([&received, &end = rx] { received = end.try_recv().value_or(-1); });
        CHECK(tx.send(6).has_value());
        CHECK(received == 6);
        CHECK(task.count() == 1);
    }

    TEST_CASE("a value whose address cannot be asked for can be sent, and refused") {
        struct shy {
            int number;
            shy* operator&() = delete;
        };
        auto [tx, rx] = oneshot::channel<shy>();
        CHECK(tx.send(shy{3}).has_value());
        const auto received = rx.try_recv();
        REQUIRE(received.has_value());
        CHECK(received->number == 3);
        auto [other_tx, other_rx] = oneshot::channel<shy>();
        { const auto dropped = std::move(other_rx); }
        const auto refused = other_tx.send(shy{4});
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().number == 4);
    }

    TEST_CASE("unit and over-aligned values can be sent") {
        auto [tx, rx] = oneshot::channel<pollux::unit>();
        CHECK(tx.send({}).has_value());
        CHECK(rx.try_recv().has_value());

        struct alignas(128) wide {
            int number;
        };
        auto [wide_tx, wide_rx] = oneshot::channel<wide>();
        CHECK(wide_tx.send(wide{3}).has_value());
        auto value = wide_rx.try_recv();
        REQUIRE(value.has_value());
        CHECK(value->number == 3);
    }
}

TEST_SUITE("sync/oneshot stress") {
    TEST_CASE("send against receive, close and drop in two threads: the value has one owner") {
        constexpr int rounds = 3000;
        for (int round = 0; round != rounds; ++round) {
            CAPTURE(round);
            auto [tx, rx] = oneshot::channel<std::unique_ptr<int>>();
            std::atomic<int> ready{0};
            const auto meet = [&] {
                ++ready;
                while (ready.load() != 2) std::this_thread::yield();
            };
            bool given_back = false;
            std::thread sending([&, end = std::move(tx)]() mutable {
                meet();
                given_back = !end.send(std::make_unique<int>(round)).has_value();
            });
            bool received = false;
            bool dropped = false;
            meet();
            switch (round % 3) {
                case 0: {
                    const auto outcome = pollux::block_on(rx);
                    received = outcome.has_value() && **outcome == round;
                    break;
                }
                case 1:
                    rx.close();
                    received = rx.try_recv().has_value();
                    break;
                default: {
                    const auto gone = std::move(rx);
                    dropped = true;
                }
            }
            sending.join();
            if (!dropped) CHECK(given_back != received);
            if (round % 3 == 0) CHECK(received);
        }
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/core/block_on.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "support/end_of_process.hpp"
#include "support/manual_event.hpp"
#include "support/manual_future.hpp"

namespace {

using pollux::block_on;
using pollux::now_or_never;
using pollux::polled;
using pollux::test::manual;
using pollux::test::manual_event;

auto gives_future() { return pollux::ready(8); }
int gives_value() { return 9; }

}  // namespace

TEST_SUITE("core/block_on") {
    TEST_CASE("block_on: gives the outcome of a future") {
        CHECK(block_on(pollux::ready(3)) == 3);
        CHECK(*block_on(pollux::ready(std::make_unique<int>(4))) == 4);
        CHECK(block_on(pollux::fail<int>(std::string("e"))).error() == "e");
        static_assert(std::is_void_v<decltype(block_on(pollux::ready()))>);
        static_assert(
            std::is_same_v<decltype(block_on(pollux::fail<int>(std::string()))), std::expected<int, std::string>>);
        block_on(pollux::ready());
        auto lent = pollux::ready(5);
        CHECK(block_on(lent) == 5);
    }

    TEST_CASE("block_on: takes a callable that gives a future, which it outlives, or the outcome itself") {
        int alive = 0;
        struct counts {
            int* alive;
            explicit counts(int& count) : alive(&count) { ++count; }
            counts(const counts& other) : alive(other.alive) { ++*alive; }
            ~counts() { --*alive; }
        };
        const int seen = block_on([kept = counts(alive)] {
            return pollux::poll_fn([&kept](pollux::context&) -> polled<int> { return *kept.alive; });
        });
        CHECK(seen >= 1);
        CHECK(alive == 0);
        CHECK(block_on([] { return 7; }) == 7);
        CHECK(block_on(gives_future) == 8);
        CHECK(block_on(gives_value) == 9);
        static_assert(std::is_void_v<decltype(block_on([] {}))>);
    }

    TEST_CASE("block_on: a debug build stops with a message when nobody is left who could wake it") {
#ifndef NDEBUG
        const auto message = pollux::test::message_of_abort([] { block_on(pollux::never_ready()); });
        CHECK(message.starts_with("pollux: block_on: the future is pending and nobody holds its waker"));
#endif
    }

    TEST_CASE("block_on: throws what the poll throws") {
        CHECK_THROWS_AS(
            block_on(pollux::poll_fn([](pollux::context&) -> polled<int> { throw std::runtime_error("no"); })),
            std::runtime_error);
    }

    TEST_CASE("block_on: polls again after a wake-up inside the poll, and only then") {
        int polls = 0;
        CHECK(block_on(pollux::poll_fn([&](pollux::context& cx) -> polled<int> {
                  if (++polls == 10) return polls;
                  cx.waker().wake();
                  cx.waker().wake();
                  return pollux::pending;
              })) == 10);
        CHECK(polls == 10);
    }

    TEST_CASE("block_on: a wake-up from another thread ends the wait; none is lost, early or late") {
        for (int i = 0; i != 2000; ++i) {
            manual_event event;
            int written = 0;
            std::thread other([&] {
                // Races with the first poll in every second round.
                if (i % 2 == 0)
                    while (event.polls() == 0) std::this_thread::yield();
                written = i;
                event.set();
            });
            block_on(event.wait());
            CHECK(written == i);
            CHECK(event.polls() <= 2);
            other.join();
        }
    }

    TEST_CASE("block_on: may be nested, and leaves nothing behind") {
        manual_event event;
        const int sum = block_on(pollux::poll_fn(
            [&](pollux::context&) -> polled<int> { return block_on(pollux::ready(1)) + block_on(pollux::ready(2)); }));
        CHECK(sum == 3);
    }

    TEST_CASE("block_on: a kept waker may be called after the wait") {
        pollux::waker kept;
        block_on(pollux::poll_fn([&](pollux::context& cx) -> polled<> {
            kept = cx.waker();
            return polled<>::ready();
        }));
        kept.wake();
        const auto copy = kept;
        copy.wake();
        CHECK(copy.will_wake(kept));
    }

    TEST_CASE("now_or_never: one poll, under a waker that wakes nobody") {
        manual<int, std::string> leaf;
        auto fut = leaf.future();
        const auto nothing = now_or_never(fut);
        static_assert(std::is_same_v<decltype(nothing), const std::optional<std::expected<int, std::string>>>);
        CHECK_FALSE(nothing.has_value());
        CHECK(leaf.polls() == 1);
        leaf.complete(7);
        CHECK(now_or_never(fut).value() == 7);
        CHECK(leaf.polls() == 2);
        CHECK(now_or_never(pollux::ready()).has_value());
        CHECK(now_or_never(pollux::ready(8)) == 8);
        CHECK_FALSE(now_or_never(pollux::never_ready()).has_value());
    }
}

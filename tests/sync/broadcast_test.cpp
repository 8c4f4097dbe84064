// SPDX-License-Identifier: MIT
#include "pollux/sync/broadcast.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/testing/poll.hpp"
#include "support/greedy_names.hpp"
#include "support/heap_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/wake_counter.hpp"

namespace {

namespace broadcast = pollux::sync::broadcast;
using pollux::block_on;
using pollux::context;
using pollux::sync::lagged;
using pollux::test::wake_counter;
using pollux::testing::poll_once;

static_assert(pollux::sink<broadcast::sender<std::string>>);
static_assert(std::is_same_v<broadcast::sender<int>::error_type, pollux::never>);
static_assert(pollux::stream<broadcast::receiver<std::string>>);
static_assert(std::is_same_v<broadcast::receiver<int>::error_type, lagged>);
static_assert(std::is_copy_constructible_v<broadcast::sender<int>>);
static_assert(!std::is_copy_constructible_v<broadcast::receiver<int>> &&
              std::is_nothrow_move_assignable_v<broadcast::receiver<int>>);

auto poll_next_with(auto& source, const wake_counter& counter) {
    const auto waker = counter.waker();
    context cx(waker);
    return source.poll_next(cx);
}

// The next item of a receiver that is not at its end.
template <class T>
std::optional<T> next_of(broadcast::receiver<T>& rx) {
    auto answer = poll_once(rx);
    if (!answer.has_value()) return std::nullopt;
    return answer.value();
}
bool is_at_end(auto& rx) {
    auto answer = poll_once(rx);
    return answer.has_value() && !answer.value().has_value();
}

// Counts its copies, its moves and its living objects.
class counted {
public:
    struct counts {
        std::atomic<int> alive = 0;
        std::atomic<int> copies = 0;
    };
    explicit counted(counts& all) : all_(&all) { ++all_->alive; }
    counted(const counted& other) : all_(other.all_) {
        if (throws) throw std::runtime_error("copy");
        ++all_->alive;
        ++all_->copies;
    }
    counted(counted&& other) noexcept : all_(other.all_) { ++all_->alive; }
    counted& operator=(const counted&) = delete;
    ~counted() { --all_->alive; }

    static inline bool throws = false;

private:
    counts* all_;
};

}  // namespace

TEST_SUITE("sync/broadcast") {
    TEST_CASE("channel: refuses to keep nothing") {
        CHECK_THROWS_AS(broadcast::channel<int>(0), std::invalid_argument);
    }

    TEST_CASE("every receiver gets every value that is sent while it is there, in order") {
        auto [tx, first] = broadcast::channel<int>(4);
        CHECK(tx.send(1) == 1);
        auto second = tx.subscribe();
        CHECK(tx.send(2) == 2);
        CHECK(next_of(first) == 1);
        CHECK(next_of(first) == 2);
        CHECK(next_of(second) == 2);
        CHECK(poll_once(first).is_pending());
        CHECK(poll_once(second).is_pending());
        CHECK(next_of(first) == std::nullopt);
    }

    TEST_CASE("send: without a receiver the value is destroyed, and who subscribes later does not see it") {
        counted::counts all;
        auto [tx, rx] = broadcast::channel<counted>(2);
        { const auto dropped = std::move(rx); }
        CHECK(tx.send(counted(all)) == 0);
        CHECK(all.alive == 0);
        auto later = tx.subscribe();
        CHECK(poll_once(later).is_pending());
        CHECK(tx.send(counted(all)) == 1);
        CHECK(all.alive == 1);
        CHECK(poll_once(later).has_value());
    }

    TEST_CASE("keeps exactly n: who is slower is told how many it has missed, and goes on with the oldest kept") {
        for (const int n : {1, 2, 3, 5}) {
            CAPTURE(n);
            auto [tx, rx] = broadcast::channel<int>(static_cast<std::size_t>(n));
            for (int i = 0; i != n; ++i) CHECK(tx.send(i) == 1);
            CHECK(next_of(rx) == 0);
            for (int i = n; i != 2 * n + 3; ++i) CHECK(tx.send(i) == 1);
            auto late = tx.subscribe();
            auto answer = poll_once(rx);
            REQUIRE(answer.has_error());
            CHECK(answer.error() == lagged{static_cast<std::uint64_t>(n + 2)});
            for (int i = n + 3; i != 2 * n + 3; ++i) CHECK(next_of(rx) == i);
            CHECK(poll_once(rx).is_pending());
            CHECK(poll_once(late).is_pending());
        }
    }

    TEST_CASE("recv: an item is an expected, and the end is nothing") {
        auto [tx, rx] = broadcast::channel<std::string>(1);
        CHECK(tx.send("lost") == 1);
        CHECK(tx.send("kept") == 1);
        { const auto dropped = std::move(tx); }
        const auto missed = block_on(rx.recv());
        REQUIRE(missed.has_value());
        REQUIRE_FALSE(missed->has_value());
        CHECK(missed->error().missed == 1);
        const auto kept = block_on(rx.recv());
        REQUIRE(kept.has_value());
        CHECK(**kept == "kept");
        CHECK_FALSE(block_on(rx.recv()).has_value());
        CHECK_FALSE(block_on(rx.recv()).has_value());
    }

    TEST_CASE("a waiting receiver is woken by a send and by the last sender's end; only the latest waker is") {
        auto [tx, rx] = broadcast::channel<int>(2);
        auto other_rx = tx.subscribe();
        wake_counter first;
        wake_counter second;
        wake_counter other;
        CHECK(poll_next_with(rx, first).is_pending());
        CHECK(poll_next_with(rx, second).is_pending());
        CHECK(poll_next_with(rx, second).is_pending());
        CHECK(poll_next_with(other_rx, other).is_pending());
        CHECK_FALSE(first.is_kept());
        CHECK(tx.send(1) == 2);
        CHECK(first.count() == 0);
        CHECK(second.count() == 1);
        CHECK(other.count() == 1);
        CHECK(next_of(rx) == 1);
        CHECK(poll_next_with(rx, second).is_pending());
        auto copy = tx;
        { const auto dropped = std::move(tx); }
        CHECK(second.count() == 1);
        { const auto dropped = std::move(copy); }
        CHECK(second.count() == 2);
        CHECK(is_at_end(rx));
        CHECK(next_of(other_rx) == 1);
        CHECK(is_at_end(other_rx));
    }

    TEST_CASE("twenty waiting receivers are all woken") {
        auto [tx, rx] = broadcast::channel<int>(1);
        wake_counter task;
        std::vector<broadcast::receiver<int>> all;
        for (int i = 0; i != 20; ++i) {
            all.push_back(tx.subscribe());
            CHECK(poll_next_with(all.back(), task).is_pending());
        }
        CHECK(tx.send(1) == 21);
        CHECK(task.count() == 20);
        CHECK_FALSE(task.is_kept());
        for (auto& each : all) CHECK(next_of(each) == 1);
    }

    TEST_CASE("a wake-up may drop the receivers that are still to be woken") {
        auto [tx, rx] = broadcast::channel<int>(1);
        wake_counter task;
        std::vector<broadcast::receiver<int>> all;
        for (int i = 0; i != 20; ++i) {
            all.push_back(tx.subscribe());
            CHECK(poll_next_with(all.back(), task).is_pending());
        }
        task.on_wake([&all] { all.clear(); });
        CHECK(tx.send(1) == 21);
        CHECK(task.count() >= 1);
        CHECK(task.count() < 20);
        CHECK_FALSE(task.is_kept());
        CHECK(tx.send(2) == 1);
    }

    TEST_CASE("receiver: may be moved while it waits, lets go of its waker when dropped; moved from it is at its end") {
        auto [tx, rx] = broadcast::channel<int>(1);
        wake_counter task;
        CHECK(poll_next_with(rx, task).is_pending());
        {
            auto moved = std::move(rx);
            CHECK(is_at_end(rx));
            CHECK(tx.send(1) == 1);
            CHECK(task.count() == 1);
            CHECK(next_of(moved) == 1);
            CHECK(poll_next_with(moved, task).is_pending());
            CHECK(task.is_kept());
        }
        CHECK_FALSE(task.is_kept());
        CHECK(tx.send(2) == 0);
        CHECK(task.count() == 1);
    }

    TEST_CASE("a value is copied for all but the last receiver, and destroyed once nobody will take it") {
        counted::counts all;
        auto [tx, rx] = broadcast::channel<counted>(2);
        auto second = tx.subscribe();
        auto third = std::optional(tx.subscribe());
        CHECK(tx.send(counted(all)) == 3);
        CHECK(poll_once(rx).has_value());
        CHECK(poll_once(second).has_value());
        CHECK(all.copies == 2);
        CHECK(all.alive == 1);
        CHECK(poll_once(*third).has_value());
        CHECK(all.copies == 2);
        CHECK(all.alive == 0);
        // A receiver that goes takes none with it that others want.
        CHECK(tx.send(counted(all)) == 3);
        CHECK(tx.send(counted(all)) == 3);
        CHECK(poll_once(rx).has_value());
        CHECK(poll_once(rx).has_value());
        CHECK(poll_once(second).has_value());
        CHECK(all.alive == 2);
        third.reset();
        CHECK(all.alive == 1);
        CHECK(poll_once(second).has_value());
        CHECK(all.alive == 0);
        // Overtaken.
        for (int i = 0; i != 5; ++i) CHECK(tx.send(counted(all)) == 2);
        CHECK(all.alive == 2);
        { const auto dropped = std::move(second); }
        CHECK(all.alive == 2);
        { const auto dropped = std::move(tx); }
        CHECK(all.alive == 2);
        { const auto dropped = std::move(rx); }
        CHECK(all.alive == 0);
    }

    TEST_CASE("a copy that throws loses that item for this receiver only") {
        counted::counts all;
        auto [tx, rx] = broadcast::channel<counted>(2);
        auto other = tx.subscribe();
        CHECK(tx.send(counted(all)) == 2);
        counted::throws = true;
        CHECK_THROWS_AS(static_cast<void>(poll_once(rx)), std::runtime_error);
        counted::throws = false;
        CHECK(poll_once(rx).is_pending());
        CHECK(poll_once(other).has_value());
        CHECK(all.alive == 0);
    }

    TEST_CASE("a spent budget loses no item") {
        auto [tx, rx] = broadcast::channel<int>(4);
        CHECK(tx.send(1) == 1);
        wake_counter task;
        const auto waker = task.waker();
        pollux::detail::poll_budget budget = pollux::test::budget_of(0);
        context cx(waker, &budget);
        CHECK(rx.poll_next(cx).is_pending());
        CHECK(tx.poll_ready(cx).is_pending());
        CHECK(task.count() == 2);
        CHECK(next_of(rx) == 1);
    }

    TEST_CASE("sink: never waits; poll_close ends this sender and no other") {
        auto [tx, rx] = broadcast::channel<int>(1);
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        auto copy = tx;
        for (int i = 0; i != 3; ++i) {
            CHECK(tx.poll_ready(cx).has_value());
            tx.start_send(i);
            CHECK(tx.poll_flush(cx).has_value());
        }
        CHECK(tx.poll_close(cx).has_value());
        CHECK(tx.send(7) == 0);
        CHECK(poll_once(rx).error() == lagged{2});
        CHECK(next_of(rx) == 2);
        CHECK(poll_once(rx).is_pending());
        CHECK(copy.send(3) == 1);
        CHECK(copy.poll_close(cx).has_value());
        CHECK(next_of(rx) == 3);
        CHECK(is_at_end(rx));
    }

    TEST_CASE("a wake-up may receive, send and subscribe from inside the send that causes it") {
        auto [tx, rx] = broadcast::channel<int>(4);
        wake_counter task;
        CHECK(poll_next_with(rx, task).is_pending());
        std::optional<int> received;
        std::optional<broadcast::receiver<int>> more;
        task.on_wake([&, &from = rx, &to = tx] {
            received = next_of(from);
            more = to.subscribe();
            static_cast<void>(to.send(5));
        });
        CHECK(tx.send(4) == 1);
        CHECK(received == 4);
        CHECK(next_of(rx) == 5);
        CHECK(next_of(*more) == 5);
    }

    TEST_CASE("one allocation a value, none to wait; all of them are given back") {
        wake_counter task;
        const auto waker = task.waker();
        context cx(waker);
        const pollux::test::heap_counter heap;
        {
            auto [tx, rx] = broadcast::channel<int>(8);
            CHECK(heap.by_this_thread() == 3);
            CHECK(rx.poll_next(cx).is_pending());
            for (int i = 0; i != 20; ++i) CHECK(tx.send(i) == 1);
            CHECK(heap.by_this_thread() == 23);
        }
        CHECK(heap.by_this_thread() == heap.given_back());
    }
}

TEST_SUITE("sync/broadcast stress") {
    TEST_CASE(
        "threads send, receive, lag, subscribe and go: each receiver sees each sender's values in order, and all are "
        "destroyed") {
        struct item {
            int sender;
            int number;
            std::shared_ptr<int> owned;
        };
        for (int round = 0; round != 30; ++round) {
            CAPTURE(round);
            constexpr int items = 300;
            const auto owned = std::make_shared<int>(0);
            std::atomic<int> wrong = 0;
            {
                auto [tx, rx] = broadcast::channel<item>(static_cast<std::size_t>(1 + round % 5));
                std::vector<std::thread> threads;
                const auto receive = [&wrong](broadcast::receiver<item> mine, int at_most) {
                    int last[2] = {-1, -1};
                    for (int i = 0; i != at_most; ++i) {
                        const auto next = block_on(mine.recv());
                        if (!next.has_value()) return;
                        if (!next->has_value()) {
                            if (next->error().missed == 0) ++wrong;
                            continue;
                        }
                        if ((*next)->number <= last[(*next)->sender]) ++wrong;
                        last[(*next)->sender] = (*next)->number;
                    }
                };
                threads.emplace_back(receive, tx.subscribe(), 1 << 30);
                threads.emplace_back(receive, std::move(rx), 1 << 30);
                threads.emplace_back([&, mine = tx]() mutable {
                    for (int i = 0; i != 20; ++i) receive(mine.subscribe(), 0);
                    for (int i = 0; i != 5; ++i) {
                        auto some = mine.subscribe();
                        for (int n = 0; n != 3; ++n) static_cast<void>(poll_once(some));
                    }
                });
                for (int s = 0; s != 2; ++s)
                    threads.emplace_back([&, mine = tx, s] {
                        for (int i = 0; i != items; ++i) static_cast<void>(mine.send({s, i, owned}));
                    });
                { const auto last = std::move(tx); }
                for (auto& each : threads) each.join();
            }
            CHECK(wrong == 0);
            CHECK(owned.use_count() == 1);
        }
    }

    // It called next without its namespace.
    TEST_CASE("recv: of items whose namespace has a next of its own") {
        auto [tx, rx] = broadcast::channel<greedy::message>(2);
        tx.send({7});
        const auto item = block_on(rx.recv());
        REQUIRE(item.has_value());
        CHECK(item->value().number == 7);
    }
}

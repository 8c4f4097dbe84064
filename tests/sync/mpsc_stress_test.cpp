// SPDX-License-Identifier: MIT
// Senders in threads and tasks against one receiver: each item arrives once, those of one sender in their order, and the end comes
// after all of them.
#include "pollux/sync/mpsc.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/mixed.hpp"
#include "support/polled_times.hpp"
#include "support/tracked.hpp"
#include "support/workers.hpp"

namespace {

namespace mpsc = pollux::sync::mpsc;
using pollux::block_on;
using pollux::task;
using pollux::sync::send_status;
using pollux::test::mixed;
using pollux::test::tracked;

struct item {
    int sender;
    int number;
};

// Which items of each sender came, in which order.
class ledger {
public:
    explicit ledger(int senders) : next_(static_cast<std::size_t>(senders)) {}
    void note(const item& one) {
        int& next = next_[static_cast<std::size_t>(one.sender)];
        if (one.number != next) ++wrong_;
        next = one.number + 1;
    }
    bool is_complete(int items) const {
        for (const int next : next_)
            if (next != items) return false;
        return wrong_ == 0;
    }

private:
    std::vector<int> next_;
    int wrong_ = 0;
};

template <class Sender>
void send_from_threads(Sender tx, int senders, int items, std::vector<std::thread>& threads) {
    for (int s = 0; s != senders; ++s)
        threads.emplace_back([mine = tx, s, items]() {
            for (int i = 0; i != items; ++i) static_cast<void>(block_on(mine.send(item{s, i})));
        });
}

task<> sends(mpsc::sender<item> tx, int sender, int items) {
    for (int i = 0; i != items; ++i) {
        auto fut = tx.send(item{sender, i});
        co_await fut;
    }
}
task<bool> receives(mpsc::receiver<item> rx, int senders, int items) {
    ledger all(senders);
    for (;;) {
        auto next = rx.recv();
        const auto one = co_await next;
        if (!one.has_value()) break;
        all.note(*one);
    }
    co_return all.is_complete(items);
}
task<bool> sends_and_receives(mpsc::sender<item> tx, mpsc::receiver<item> rx, int senders, int items) {
    std::vector<pollux::join_handle<void>> handles;
    for (int s = 0; s != senders; ++s) handles.push_back(pollux::spawn(sends(tx, s, items)));
    { const auto last = std::move(tx); }
    auto receiving = pollux::spawn(receives(std::move(rx), senders, items));
    const bool is_complete = co_await receiving;
    for (auto& each : handles) co_await each;
    co_return is_complete;
}

}  // namespace

TEST_SUITE("sync/mpsc stress") {
    TEST_CASE("threads send to one that receives") {
        for (const std::size_t capacity : {0u, 1u, 2u, 100u}) {
            CAPTURE(capacity);
            constexpr int senders = 3;
            constexpr int items = 3000;
            std::vector<std::thread> threads;
            auto rx = [&] {
                if (capacity == 0) {
                    auto [tx, end] = mpsc::unbounded<item>();
                    send_from_threads(std::move(tx), senders, items, threads);
                    return std::move(end);
                }
                auto [tx, end] = mpsc::channel<item>(capacity);
                send_from_threads(std::move(tx), senders, items, threads);
                return std::move(end);
            }();
            ledger all(senders);
            while (const auto one = block_on(rx.recv())) all.note(*one);
            for (auto& each : threads) each.join();
            CHECK(all.is_complete(items));
        }
    }

    TEST_CASE("threads send through one sender") {
        for (const std::size_t capacity : {0u, 2u, 100u}) {
            CAPTURE(capacity);
            constexpr int senders = 3;
            constexpr int items = 3000;
            const auto run = [&](auto tx, auto rx) {
                std::atomic<int> left = senders;
                std::optional shared(std::move(tx));
                std::vector<std::thread> threads;
                for (int s = 0; s != senders; ++s)
                    threads.emplace_back([&, s] {
                        for (int i = 0; i != items; ++i) {
                            item next{s, i};
                            if (i % 2 == 0 && shared->try_send(next) == send_status::sent) continue;
                            static_cast<void>(block_on(shared->send(next)));
                        }
                        if (left.fetch_sub(1) == 1) shared.reset();
                    });
                ledger all(senders);
                while (const auto one = block_on(rx.recv())) all.note(*one);
                for (auto& each : threads) each.join();
                CHECK(all.is_complete(items));
            };
            if (capacity == 0) {
                auto [tx, rx] = mpsc::unbounded<item>();
                run(std::move(tx), std::move(rx));
            } else {
                auto [tx, rx] = mpsc::channel<item>(capacity);
                run(std::move(tx), std::move(rx));
            }
        }
    }

    TEST_CASE("tasks send to a task, on any number of workers") {
        for (const unsigned n : {1u, 2u, 4u}) {
            for (const std::size_t capacity : {1u, 3u, 100u}) {
                CAPTURE(n);
                CAPTURE(capacity);
                pollux::runtime rt(pollux::test::workers(n));
                auto [tx, rx] = mpsc::channel<item>(capacity);
                CHECK(rt.block_on(sends_and_receives(std::move(tx), std::move(rx), 5, 2000)));
            }
        }
        pollux::current_thread_runtime rt;
        auto [tx, rx] = mpsc::channel<item>(7);
        CHECK(rt.block_on(sends_and_receives(std::move(tx), std::move(rx), 5, 2000)));
    }

    TEST_CASE("sends and reservations are dropped after any number of polls: no place is lost, and no item doubled") {
        for (int round = 0; round != 40; ++round) {
            CAPTURE(round);
            constexpr int senders = 3;
            auto [tx, rx] = mpsc::channel<tracked>(2);
            std::atomic<int> alive = 0;
            std::atomic<int> sent = 0;
            std::vector<std::thread> threads;
            for (int s = 0; s != senders; ++s)
                threads.emplace_back([&, mine = tx, s] {
                    for (int i = 0; i != 100; ++i) {
                        const auto dice = mixed(static_cast<std::uint64_t>(round * 1000 + s * 100 + i));
                        const int polls = static_cast<int>(dice % 4);
                        if (dice % 3 == 0) {
                            if (block_on(pollux::test::polled_times(mine.send(tracked(alive)), polls))) ++sent;
                        } else if (dice % 3 == 1) {
                            tracked value(alive);
                            if (mine.try_send(value) == send_status::sent) ++sent;
                        } else {
                            auto slot = block_on(mine.reserve());
                            if (polls == 0 || !slot.has_value()) continue;
                            slot->send(tracked(alive));
                            ++sent;
                        }
                    }
                });
            { const auto last = std::move(tx); }
            int received = 0;
            while (block_on(rx.recv()).has_value()) ++received;
            for (auto& each : threads) each.join();
            CHECK(received == sent);
            CHECK(alive == 0);
        }
    }

    TEST_CASE("close and drop against senders: what was accepted before close() arrives, nothing is left") {
        for (int round = 0; round != 200; ++round) {
            CAPTURE(round);
            const bool is_bounded = round % 2 == 0;
            const bool drops = round % 4 >= 2;
            std::atomic<int> alive = 0;
            std::atomic<int> sent = 0;
            int received = 0;
            const auto run = [&](auto tx, auto rx) {
                std::vector<std::thread> threads;
                for (int s = 0; s != 2; ++s)
                    threads.emplace_back([&, mine = tx] {
                        for (;;) {
                            if (!block_on(mine.send(tracked(alive))).has_value()) break;
                            ++sent;
                        }
                        block_on(mine.closed());
                    });
                auto end = std::optional(std::move(rx));
                for (int i = 0; i != round; ++i) {
                    static_cast<void>(block_on(end->recv()));
                    ++received;
                }
                if (drops) {
                    end.reset();
                } else {
                    end->close();
                    // The senders live on: the end comes all the same.
                    while (block_on(end->recv()).has_value()) ++received;
                }
                for (auto& each : threads) each.join();
            };
            if (is_bounded) {
                auto [tx, rx] = mpsc::channel<tracked>(3);
                run(std::move(tx), std::move(rx));
            } else {
                auto [tx, rx] = mpsc::unbounded<tracked>();
                run(std::move(tx), std::move(rx));
            }
            if (!drops) CHECK(received == sent);
            CHECK(received <= sent);
            CHECK(alive == 0);
        }
    }
}

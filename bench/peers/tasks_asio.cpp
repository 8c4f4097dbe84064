// SPDX-License-Identifier: MIT
// The scenarios of spawn_many, spawn_join, yield_many and ping_pong as a user of Boost.Asio would write them, with coroutines on a
// thread_pool: `SCENARIO [WORKERS [N]]`. Who waits for many tasks counts them and is told by a channel.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <cstddef>
#include <exception>
#include <string_view>
#include <utility>

#include "measure.hpp"

namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using error = boost::system::error_code;
template <class... Values>
using channel = asio::experimental::concurrent_channel<void(error, Values...)>;

// Tasks that have not ended. A channel of no value for who waits for the last one.
struct tasks_left {
    std::atomic<std::size_t> n;
    channel<> none;

    tasks_left(asio::thread_pool& pool, std::size_t count) : n(count), none(pool, 1) {}
    void one_has_ended() {
        if (n.fetch_sub(1, std::memory_order::acq_rel) == 1) none.try_send(error());
    }
};

asio::awaitable<std::size_t> one() { co_return 1; }

template <class Make>
asio::awaitable<void> spawn_and_await_all(asio::thread_pool& pool, std::size_t n, Make make) {
    tasks_left left(pool, n);
    for (std::size_t i = 0; i != n; ++i)
        asio::co_spawn(pool, make(), [&left](std::exception_ptr, std::size_t) { left.one_has_ended(); });
    co_await left.none.async_receive(use_awaitable);
}

asio::awaitable<void> spawn_and_await_each(asio::thread_pool& pool, std::size_t n) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i != n; ++i) sum += co_await asio::co_spawn(pool, one(), use_awaitable);
    if (sum != n) std::terminate();
}

asio::awaitable<std::size_t> yields(std::size_t n) {
    const auto executor = co_await asio::this_coro::executor;
    for (std::size_t i = 0; i != n; ++i) co_await asio::post(executor, use_awaitable);
    co_return n;
}

asio::awaitable<void> pong(channel<int>& ping, channel<int>& answer) {
    const int got = co_await ping.async_receive(use_awaitable);
    co_await answer.async_send(error(), got, use_awaitable);
}

asio::awaitable<std::size_t> ping(asio::thread_pool& pool) {
    channel<int> there(pool, 1), back(pool, 1);
    tasks_left other(pool, 1);
    asio::co_spawn(pool, pong(there, back), [&](std::exception_ptr) { other.one_has_ended(); });
    co_await there.async_send(error(), 1, use_awaitable);
    const auto got = static_cast<std::size_t>(co_await back.async_receive(use_awaitable));
    co_await other.none.async_receive(use_awaitable);  // the channels stand in this frame
    co_return got;
}

// In the pool, from the thread that waits.
void run(asio::thread_pool& pool, asio::awaitable<void> scenario) {
    asio::co_spawn(pool, std::move(scenario), asio::use_future).get();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    const auto with = [&](std::size_t normal_size) { return bench::arguments(argc - 1, argv + 1, normal_size); };
    const auto rounds = [](std::size_t n, std::size_t operations, auto round) {
        bench::measure(n * operations, [&] {
            for (std::size_t i = 0; i != n; ++i) round();
            return 0;
        });
    };
    constexpr std::size_t yielding = 200;
    const bench::arguments arguments = with(scenario == "spawn_join"        ? 100'000
                                            : scenario.starts_with("spawn") ? 10'000
                                                                            : 1'000);
    const std::size_t n = arguments.size;
    asio::thread_pool pool(arguments.workers);
    if (scenario == "spawn_many_inside") {
        rounds(20, n, [&] { run(pool, spawn_and_await_all(pool, n, one)); });
    } else if (scenario == "spawn_many_outside") {
        rounds(20, n, [&] {
            tasks_left left(pool, n);
            auto all = left.none.async_receive(asio::use_future);
            for (std::size_t i = 0; i != n; ++i)
                asio::co_spawn(pool, one(), [&left](std::exception_ptr, std::size_t) { left.one_has_ended(); });
            all.get();
        });
    } else if (scenario == "spawn_join") {
        rounds(1, n, [&] { run(pool, spawn_and_await_each(pool, n)); });
    } else if (scenario == "yield_many") {
        rounds(1, yielding * n, [&] { run(pool, spawn_and_await_all(pool, yielding, [n] { return yields(n); })); });
    } else if (scenario == "ping_pong") {
        rounds(50, n, [&] { run(pool, spawn_and_await_all(pool, n, [&pool] { return ping(pool); })); });
    } else {
        std::fprintf(stderr,
                     "usage: %s spawn_many_inside|spawn_many_outside|spawn_join|yield_many|ping_pong [WORKERS [N]]\n",
                     argv[0]);
        return 2;
    }
    pool.join();
}

// SPDX-License-Identifier: MIT
// The scenarios of spawn_many, spawn_join, yield_many and ping_pong as a user of Boost.Fiber would write them: `SCENARIO [WORKERS [N]]`.
// The main thread is one of the workers. They steal from each other; a single one has nobody to steal from and takes turns.
#include <boost/fiber/algo/work_stealing.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/future.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>
#include <cstddef>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "measure.hpp"

namespace {

namespace fibers = boost::fibers;

// The other workers: they run fibers until this one goes.
class other_workers {
public:
    explicit other_workers(unsigned workers) {
        const auto steal = [workers] {
            if (workers > 1) fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(workers, true);
        };
        for (unsigned i = 1; i < workers; ++i)
            threads_.emplace_back([this, steal] {
                steal();
                std::unique_lock guard(lock_);
                end_.wait(guard, [this] { return is_over_; });
            });
        steal();
    }
    ~other_workers() {
        {
            const std::lock_guard guard(lock_);
            is_over_ = true;
        }
        end_.notify_all();
        for (auto& each : threads_) each.join();
    }

private:
    fibers::mutex lock_;
    fibers::condition_variable end_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

template <class Fn>
void spawn_and_join_all(std::size_t n, Fn fn) {
    std::vector<fibers::fiber> all;
    all.reserve(n);
    for (std::size_t i = 0; i != n; ++i) all.emplace_back(fibers::launch::post, fn);
    for (auto& each : all) each.join();
}

void ping() {
    fibers::promise<int> there, back;
    fibers::fiber other(fibers::launch::post, [&] { back.set_value(there.get_future().get()); });
    there.set_value(1);
    back.get_future().get();
    other.join();
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    const auto rounds = [](std::size_t n, std::size_t operations, auto round) {
        bench::measure(n * operations, [&] {
            for (std::size_t i = 0; i != n; ++i) round();
            return 0;
        });
    };
    constexpr std::size_t yielding = 200;
    const bench::arguments arguments(argc - 1, argv + 1, scenario == "spawn_join" ? 10'000 : 1'000);
    const std::size_t n = arguments.size;
    const other_workers others(arguments.workers);
    if (scenario == "spawn_many_inside") {
        rounds(20, n, [&] { spawn_and_join_all(n, [] {}); });
    } else if (scenario == "spawn_join") {
        rounds(1, n, [&] {
            for (std::size_t i = 0; i != n; ++i) fibers::fiber(fibers::launch::post, [] {}).join();
        });
    } else if (scenario == "yield_many") {
        rounds(1, yielding * n, [&] {
            spawn_and_join_all(yielding, [n] {
                for (std::size_t i = 0; i != n; ++i) boost::this_fiber::yield();
            });
        });
    } else if (scenario == "ping_pong") {
        rounds(50, n, [&] { spawn_and_join_all(n, ping); });
    } else {
        std::fprintf(stderr, "usage: %s spawn_many_inside|spawn_join|yield_many|ping_pong [WORKERS [N]]\n", argv[0]);
        return 2;
    }
}

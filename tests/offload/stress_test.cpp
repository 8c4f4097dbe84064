// SPDX-License-Identifier: MIT
// Many threads hand in jobs and drop their futures at any moment, while runtimes end. What is stated is that counts agree:
// each job runs or is given up, once, and each future that is awaited gets an answer.
#include "pollux/offload.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/time/sleep.hpp"
#include "pool_fixture.hpp"

using pollux::blocking;
using pollux::offload;

namespace {

class random_numbers {
public:
    explicit random_numbers(std::uint64_t seed) : state_(seed | 1) {}
    unsigned below(unsigned limit) {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<unsigned>(state_ >> 33) % limit;
    }

private:
    std::uint64_t state_;
};

struct counts {
    std::atomic<int> made{0}, destroyed{0}, ran{0}, answered{0}, dropped{0}, cancelled{0};
};

// A closure that counts how it ends.
class counted_job {
public:
    explicit counted_job(counts& to) : to_(&to) { ++to.made; }
    counted_job(counted_job&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
    ~counted_job() {
        if (to_ != nullptr) ++to_->destroyed;
    }
    int operator()() const { return ++to_->ran; }

private:
    counts* to_;
};

// Keeps a window of futures, each polled and then awaited or dropped; one task.
template <class Make>
class churn {
public:
    using value_type = void;
    using error_type = pollux::never;
    using future = std::invoke_result_t<Make&, unsigned>;

    churn(Make make, counts& to, unsigned jobs, std::uint64_t seed)
        : make_(std::move(make)), to_(to), left_(jobs), random_(seed), window_(16) {}

    pollux::polled<> poll(pollux::context& cx) {
        for (;;) {
            bool is_empty = true;
            for (auto& each : window_) {
                if (each == nullptr && left_ != 0) {
                    --left_;
                    each = std::make_unique<future>(make_(random_.below(3)));
                    if (random_.below(8) == 0) {
                        ++to_.dropped;
                        each.reset();
                        continue;
                    }
                }
                if (each == nullptr) continue;
                if (!each->poll(cx).is_pending()) {
                    ++to_.answered;
                    each.reset();
                } else if (random_.below(4) == 0) {
                    ++to_.dropped;
                    each.reset();
                } else {
                    is_empty = false;
                }
            }
            if (!is_empty) return pollux::pending;
            if (left_ == 0) return pollux::polled<>::ready();
        }
    }

private:
    Make make_;
    counts& to_;
    unsigned left_;
    random_numbers random_;
    std::vector<std::unique_ptr<future>> window_;
};

template <class Make>
void run_churn(Make make, counts& to, pollux::runtime_options options) {
    constexpr unsigned tasks = 8, jobs = 3000;
    {
        pollux::runtime rt(std::move(options));
        std::vector<pollux::join_handle<>> handles;
        for (unsigned i = 0; i != tasks; ++i) handles.push_back(rt.spawn(churn<Make>(make, to, jobs, i * 77 + 1)));
        for (auto& each : handles) rt.block_on(each);
    }
    CHECK(to.made == tasks * jobs);
    CHECK(to.destroyed == to.made);
    CHECK(to.answered + to.dropped == to.made);
    CHECK(to.ran >= to.answered);
}

// How many bursts came back whole.
pollux::task<unsigned> run_bursts(unsigned bursts, std::uint64_t seed) {
    random_numbers random(seed);
    unsigned whole = 0;
    for (unsigned burst = 0; burst != bursts; ++burst) {
        std::vector<pollux::join_handle<unsigned>> jobs;
        for (unsigned left = 1 + random.below(40); left != 0; --left)
            jobs.push_back(pollux::spawn(offload([] { return 1u; })));
        unsigned sum = 0;
        for (auto& each : jobs) sum += co_await each;
        if (sum == jobs.size()) ++whole;
        if (random.below(4) == 0) co_await pollux::sleep_for(std::chrono::microseconds(random.below(200)));
    }
    co_return whole;
}

}  // namespace

TEST_SUITE("offload/stress") {
    TEST_CASE("offload: jobs of all priorities, dropped at any moment, behind a small bound") {
        for (const std::size_t most : {std::size_t{1}, std::size_t{5}, std::size_t{1024}}) {
            CAPTURE(most);
            counts all;
            pollux::runtime_options options;
            options.workers = 3;
            options.cpu_slots = 3;
            options.max_offloaded = most;
            run_churn(
                [&all](unsigned priority) {
                    pollux::offload_options how;
                    how.priority = static_cast<pollux::offload_priority>(priority);
                    return offload(counted_job(all), how);
                },
                all, options);
        }
    }

    TEST_CASE("bursts of tiny jobs with pauses between, awaited by several tasks, all come back") {
        // A worker attends the list of finished jobs and leaves it, over and over.
        for (const unsigned workers : {1u, 3u}) {
            CAPTURE(workers);
            constexpr unsigned tasks = 4, bursts = 150;
            pollux::runtime_options options;
            options.workers = workers;
            options.cpu_slots = 2;
            pollux::runtime rt(options);
            std::vector<pollux::join_handle<unsigned>> handles;
            for (unsigned i = 0; i != tasks; ++i) handles.push_back(rt.spawn(run_bursts(bursts, i * 77 + 1)));
            for (auto& each : handles) CHECK(rt.block_on(each) == bursts);
        }
    }

    TEST_CASE("blocking: short jobs, dropped at any moment, while threads come and end") {
        for (const auto keep_alive : {std::chrono::nanoseconds(0), std::chrono::nanoseconds(100'000'000)}) {
            CAPTURE(keep_alive.count());
            counts all;
            pollux::runtime_options options;
            options.workers = 3;
            options.max_blocking_threads = 4;
            options.blocking_keep_alive = keep_alive;
            run_churn([&all](unsigned) { return blocking(counted_job(all)); }, all, options);
        }
    }

    TEST_CASE("a runtime that ends while jobs come in answers all of them") {
        for (int round = 0; round != 150; ++round) {
            CAPTURE(round);
            counts all;
            std::atomic<int> ended{0};
            pollux::runtime_options options;
            options.workers = 2;
            options.cpu_slots = 2;
            options.max_offloaded = 4;
            auto rt = std::make_unique<pollux::runtime>(options);
            const auto handle = rt->handle();
            std::vector<std::thread> threads;
            for (int t = 0; t != 3; ++t) {
                threads.emplace_back([&, t] {
                    for (int i = 0;; ++i) {
                        try {
                            if ((i + t) % 2 == 0)
                                handle.block_on(offload(counted_job(all)));
                            else
                                handle.block_on(blocking(counted_job(all)));
                            ++all.answered;
                        } catch (const pollux::task_cancelled&) {
                            ++all.cancelled;
                            break;
                        }
                    }
                    ++ended;
                });
            }
            while (all.answered < round % 20) std::this_thread::yield();
            rt.reset();
            for (auto& each : threads) each.join();
            CHECK(ended == 3);
            CHECK(all.cancelled == 3);
            CHECK(all.ran == all.answered);
            CHECK(all.destroyed == all.made);
        }
    }
}

// SPDX-License-Identifier: MIT
// The accounting of the idle set, step by step on one thread, for one word and for many; and real threads that would
// hang on a lost wake-up. The schedules are the model's business (tests/model/idle_set_model.cpp).
#include "scheduler/idle_set.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "scheduler/parker.hpp"

namespace {

using pollux::v0::detail::idle_set;
using pollux::v0::detail::membarrier_is_available;
using pollux::v0::detail::parker;
using pollux::v0::detail::std_sync;

std::uint64_t sleeper_word(const idle_set<>& idle) { return idle.any_sleeper_word().load(std::memory_order::relaxed); }

}  // namespace

TEST_SUITE("scheduler/idle_set") {
    TEST_CASE("after_push: nobody sleeps, nobody is woken") {
        idle_set<> idle(4, false);
        CHECK(idle.sleepers() == 0);
        CHECK(idle.searchers() == 0);
        CHECK(sleeper_word(idle) == 0);
        CHECK(idle.after_push() == std::nullopt);
        CHECK(idle.searchers() == 0);
    }

    TEST_CASE("after_push: wakes one sleeper, which counts as a searcher, and then nobody until that one has left") {
        for (const unsigned workers : {4u, 64u, 65u, 4096u}) {
            CAPTURE(workers);
            idle_set<> idle(workers, false);
            idle.announce_sleep(1, false);
            idle.announce_sleep(workers - 1, false);
            CHECK(idle.sleepers() == 2);
            CHECK(sleeper_word(idle) != 0);
            CHECK(idle.after_push() == 1u);
            CHECK(idle.sleepers() == 1);
            CHECK(idle.searchers() == 1);
            CHECK(idle.after_push() == std::nullopt);
            CHECK_FALSE(idle.cancel_sleep(1));
            CHECK(idle.searchers() == 1);
            CHECK(idle.found_work() == workers - 1);
            CHECK(idle.sleepers() == 0);
            CHECK(idle.searchers() == 1);
            CHECK(idle.found_work() == std::nullopt);
            CHECK(idle.searchers() == 0);
            CHECK(idle.after_push() == std::nullopt);
            CHECK(sleeper_word(idle) == 0);
        }
    }

    TEST_CASE("begin_search: at most half of the workers search") {
        idle_set<> one(1, false);
        CHECK(one.begin_search());
        CHECK_FALSE(one.begin_search());
        idle_set<> four(4, false);
        CHECK(four.begin_search());
        CHECK(four.begin_search());
        CHECK_FALSE(four.begin_search());
        CHECK(four.searchers() == 2);
        CHECK(four.found_work() == std::nullopt);
        CHECK(four.searchers() == 1);
        CHECK(four.begin_search());
    }

    TEST_CASE("announce_sleep: a searcher stops counting as one") {
        idle_set<> idle(2, false);
        REQUIRE(idle.begin_search());
        idle.announce_sleep(0, true);
        CHECK(idle.searchers() == 0);
        CHECK(idle.sleepers() == 1);
        CHECK(idle.after_push() == 0u);
        CHECK(idle.searchers() == 1);
    }

    TEST_CASE("cancel_sleep: a worker that nobody claimed leaves the set and counts as nothing") {
        for (const unsigned workers : {64u, 100u}) {
            idle_set<> idle(workers, false);
            idle.announce_sleep(7, false);
            CHECK(idle.cancel_sleep(7));
            CHECK(idle.sleepers() == 0);
            CHECK(idle.searchers() == 0);
            CHECK(idle.after_push() == std::nullopt);
            CHECK(sleeper_word(idle) == 0);
            idle.announce_sleep(7, false);
            CHECK(idle.after_push() == 7u);
        }
    }

    TEST_CASE("resume_search: the worker searches again, whether it was claimed or not") {
        idle_set<> idle(2, false);
        REQUIRE(idle.begin_search());
        idle.announce_sleep(0, true);
        idle.resume_search(0);
        CHECK(idle.sleepers() == 0);
        CHECK(idle.searchers() == 1);
        idle.announce_sleep(0, true);
        REQUIRE(idle.after_push() == 0u);
        idle.resume_search(0);
        CHECK(idle.sleepers() == 0);
        CHECK(idle.searchers() == 1);
    }

    TEST_CASE("after_fork_push: as after_push, the fence is the caller's") {
        idle_set<> idle(2, membarrier_is_available());
        CHECK(idle.is_asymmetric() == membarrier_is_available());
        CHECK(idle.after_fork_push() == std::nullopt);
        idle.announce_sleep(1, false);
        CHECK(sleeper_word(idle) != 0);
        CHECK(idle.after_fork_push() == 1u);
        CHECK(idle.searchers() == 1);
        CHECK(idle.after_fork_push() == std::nullopt);
    }

    TEST_CASE(
        "any_sleeper_word: with thousands of workers it is not zero while anybody sleeps, and zero again after a "
        "look") {
        idle_set<> idle(4096, false);
        for (unsigned worker = 0; worker < 4096; worker += 63) idle.announce_sleep(worker, false);
        const unsigned all = idle.sleepers();
        CHECK(all == 66);
        std::set<unsigned> woken;
        for (unsigned i = 0; i != all; ++i) {
            CHECK(sleeper_word(idle) != 0);
            const auto worker = idle.after_push();
            REQUIRE(worker.has_value());
            woken.insert(*worker);
            CHECK(idle.sleepers() == all - 1 - i);
            idle.announce_sleep(4094, true);  // the woken one leaves the searchers, as another worker
            CHECK(idle.cancel_sleep(4094));
        }
        CHECK(woken.size() == all);
        CHECK(idle.after_push() == std::nullopt);
        CHECK(sleeper_word(idle) == 0);
    }
}

TEST_SUITE("scheduler/idle_set stress") {
    TEST_CASE("publishers and sleeping workers: all work is done, which it is not after a lost wake-up") {
        constexpr unsigned publishers = 2;
        constexpr int each = 5'000;
        for (const unsigned workers : {1u, 3u}) {
            for (const bool asymmetric : {false, membarrier_is_available()}) {
                for (const unsigned first : {0u, 62u}) {  // beyond 64 workers: the summary word, and two leaves
                    CAPTURE(workers);
                    CAPTURE(asymmetric);
                    CAPTURE(first);
                    idle_set<> idle(first == 0 ? workers : 128, asymmetric);
                    std::vector<parker> parkers(first + workers);
                    std::atomic<int> queued{0};
                    std::atomic<int> left{static_cast<int>(publishers) * each};
                    const auto wake = [&](std::optional<unsigned> worker) {
                        if (worker) parkers[*worker].unpark();
                    };
                    const auto work = [&](unsigned self) {
                        bool searching = false;
                        while (left.load() > 0) {
                            if (!searching) searching = idle.begin_search();
                            int seen = searching ? queued.load() : 0;
                            while (seen > 0 && !queued.compare_exchange_weak(seen, seen - 1)) {}
                            if (seen > 0) {
                                searching = false;
                                wake(idle.found_work());
                                if (left.fetch_sub(1) == 1)
                                    for (parker& one : parkers) one.unpark();
                                continue;
                            }
                            idle.announce_sleep(self, searching);
                            if (queued.load() > 0) {
                                idle.resume_search(self);
                                searching = true;
                                continue;
                            }
                            parkers[self].park();
                            searching = !idle.cancel_sleep(self);
                        }
                    };
                    {
                        std::vector<std::jthread> threads;
                        for (unsigned w = 0; w != workers; ++w) threads.emplace_back(work, first + w);
                        for (unsigned p = 0; p != publishers; ++p)
                            threads.emplace_back([&] {
                                for (int i = 0; i != each; ++i) {
                                    queued.fetch_add(1);
                                    wake(idle.after_push());
                                    if (i % 16 == 0) std::this_thread::yield();
                                }
                            });
                    }
                    CHECK(queued.load() == 0);
                    CHECK(left.load() == 0);
                    CHECK(idle.sleepers() == 0);
                }
            }
        }
    }
}

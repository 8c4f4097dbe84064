// SPDX-License-Identifier: MIT
// Pools of several runtimes share the threads of oneTBB; each must get its own. Seen: a job that never started, and an end of its runtime
// that waited for it, while a job of another runtime ran and that had idle slots.
#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>
#include <vector>

#include "pollux/offload/offload.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pool_fixture.hpp"

using pollux::offload;
using pollux::test::gate;

namespace {

// Some milliseconds: meanwhile a thread that oneTBB has beside those that run jobs has found that they have no more.
constexpr int rounds = 50;

pollux::runtime_options with_slots(unsigned slots) {
    pollux::runtime_options options;
    options.workers = 1;
    options.cpu_slots = slots;
    return options;
}

// A runtime in which `n` jobs run until it goes.
class busy_runtime {
public:
    busy_runtime(unsigned slots, int n) : rt_(with_slots(slots)) {
        for (int i = 0; i != n; ++i) {
            rt_.spawn(offload([hold = hold_] { hold.pass(); })).detach();
            hold_.wait_for_one();
        }
    }
    busy_runtime(const busy_runtime&) = delete;
    busy_runtime& operator=(const busy_runtime&) = delete;
    ~busy_runtime() { hold_.open(); }

private:
    gate hold_;
    pollux::runtime rt_;
};

}  // namespace

TEST_SUITE("offload/several_runtimes") {
    TEST_CASE("a new runtime's job runs while one of another runs, however many slots that has left") {
        for (const unsigned slots : {1u, 2u, 3u, 6u}) {
            CAPTURE(slots);
            const busy_runtime other(slots, 1);
            for (int i = 0; i != rounds; ++i) {
                pollux::runtime rt(with_slots(1));
                REQUIRE(rt.block_on(offload([i] { return i; })) == i);
            }
        }
    }

    TEST_CASE("a job of a runtime that was there before runs while those of two others run") {
        pollux::runtime rt(with_slots(1));
        CHECK(rt.block_on(offload([] { return 1; })) == 1);
        const busy_runtime one(4, 2), other(4, 2);
        for (int i = 0; i != rounds; ++i) {
            REQUIRE(rt.block_on(offload([i] { return i; })) == i);
            pollux::runtime newer(with_slots(2));
            REQUIRE(newer.block_on(offload([i] { return i; })) == i);
        }
    }

    TEST_CASE("each of several runtimes fills its slots, also where all ask at once") {
        constexpr int n = 4;
        constexpr unsigned slots = 3;
        for (int i = 0; i != rounds; ++i) {
            CAPTURE(i);
            const busy_runtime other(4, 2);
            std::vector<std::unique_ptr<pollux::runtime>> runtimes;
            for (int k = 0; k != n; ++k) runtimes.push_back(std::make_unique<pollux::runtime>(with_slots(slots)));
            std::latch all_run(n * static_cast<int>(slots));
            std::vector<pollux::join_handle<>> handles;
            for (unsigned k = 0; k != slots; ++k)
                for (const auto& each : runtimes)
                    handles.push_back(each->spawn(offload([&all_run] { all_run.arrive_and_wait(); })));
            for (auto& each : handles) runtimes.front()->block_on(each);
            REQUIRE(all_run.try_wait());
        }
    }
}

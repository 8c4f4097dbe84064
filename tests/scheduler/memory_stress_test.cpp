// SPDX-License-Identifier: MIT
// A million tasks that are alive at once: what they took goes back, to the heap while their runtime lives, and to the system after
// its end.
#include "pollux/runtime/runtime.hpp"

#include <doctest/doctest.h>
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/sync/oneshot.hpp"
#include "support/process_state.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::heap_can_be_measured;
using pollux::test::workers;
namespace oneshot = pollux::sync::oneshot;

task<int> waits_for(oneshot::receiver<int> event) {
    auto result = co_await event;
    co_return result.value_or(0);
}

struct population {
    // Up to `n` tasks. Called inside of the runtime.
    void grow_to(std::size_t n) {
        while (handles.size() != n) add();
    }
    void add() {
        auto [event, wait] = oneshot::channel<int>();
        events.push_back(std::move(event));
        handles.push_back(pollux::spawn(waits_for(std::move(wait))));
    }

    // Not vectors: once the C library has seen a block of megabytes come and go, each of its arenas keeps twice as much.
    std::deque<pollux::join_handle<int>> handles;
    std::deque<oneshot::sender<int>> events;
};

// On a worker: the blocks come from its cache.
task<> grow_on_worker(population& all, std::size_t n) {
    all.grow_to(n);
    co_return;
}

struct ends {
    std::size_t alive_at_once = 0, woken = 0, aborted = 0;
};

// Half of the tasks are spawned by a worker and half from outside; of each half, every second is woken to its end, and the others
// are aborted.
ends live_and_end(pollux::runtime& rt, std::size_t n) {
    ends seen;
    population all;
    rt.block_on(rt.spawn(grow_on_worker(all, n / 2)));
    rt.block_on([&] { all.grow_to(n); });
    seen.alive_at_once = rt.metrics().alive_tasks;
    for (std::size_t i = 0; i != n; ++i) {
        if (i % 2 == 0)
            static_cast<void>(std::move(all.events[i]).send(1));
        else
            all.handles[i].abort();
    }
    for (auto& handle : all.handles) {
        try {
            if (pollux::block_on(handle) == 1) ++seen.woken;
        } catch (const pollux::task_cancelled&) {
            ++seen.aborted;
        }
    }
    return seen;
}

std::size_t heap_bytes() { return mallinfo2().uordblks; }

// What the C library keeps of freed memory is not ours, so it is asked to give it back first.
std::size_t resident_kilobytes() {
    malloc_trim(0);
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
    return 0;
}

// Else it is its habits that are measured: small freed blocks are in a list of their own, which hides that all around them is free, so
// that some 50 MB at the top of a thread's arena stay until its next large free; how much stays there grows with the largest block
// that was ever freed; and an arena is made, of 2 KB, whenever more threads allocate at once than before.
void keep_little_in_the_c_library() {
    REQUIRE(mallopt(M_MXFAST, 0) == 1);
    REQUIRE(mallopt(M_TRIM_THRESHOLD, 128 * 1024) == 1);
    std::vector<std::thread> threads;
    std::atomic<int> have_allocated = 0;
    constexpr int most = 8;
    for (int i = 0; i != most; ++i)
        threads.emplace_back([&] {
            const auto block = std::make_unique<std::vector<int>>(100);
            ++have_allocated;
            while (have_allocated != most) std::this_thread::yield();
        });
    for (auto& each : threads) each.join();
}

bool is_within(std::size_t value, std::size_t expected, std::size_t percent) {
    const auto distance = value > expected ? value - expected : expected - value;
    return distance * 100 <= expected * percent;
}

}  // namespace

TEST_SUITE("scheduler/memory_stress") {
    TEST_CASE("runtime: a million tasks alive, woken and aborted give all of their memory back") {
        // A sanitizer's heap keeps what was freed, and takes several times as much for each block.
        const std::size_t n = heap_can_be_measured() ? 1'000'000 : 20'000;
        if (heap_can_be_measured()) keep_little_in_the_c_library();
        for (const unsigned count : {1u, 2u}) {
            CAPTURE(count);
            std::size_t bytes_of_runtime = 0;
            std::size_t bytes_afterwards = 0;
            ends seen;
            // On a thread of its own, with which the C library's list of blocks for it goes.
            const auto life = [&](std::size_t tasks) {
                pollux::runtime rt(workers(count));
                live_and_end(rt, 2000);  // fills the workers' free lists
                bytes_of_runtime = heap_bytes();
                seen = live_and_end(rt, tasks);
                bytes_afterwards = heap_bytes();
            };
            std::thread(life, 2000).join();  // makes what stays: arenas, and the stacks of threads
            const auto bytes_before = heap_bytes();
            const auto resident_before = resident_kilobytes();
            std::thread(life, n).join();
            const auto bytes_at_the_end = heap_bytes();
            const auto resident_at_the_end = resident_kilobytes();

            CAPTURE(bytes_before);
            CAPTURE(bytes_at_the_end);
            CAPTURE(resident_before);
            CAPTURE(resident_at_the_end);
            CHECK(seen.alive_at_once == n);
            CHECK(seen.woken == n / 2);
            CHECK(seen.aborted == n / 2);
            if (!heap_can_be_measured()) continue;
            // Beyond what its free lists may have got since: two batches of 16 KiB for each worker and size of block, of which there
            // are few here, and 4 MiB that are common; with what the allocator adds.
            CHECK(bytes_afterwards < bytes_of_runtime + count * 4 * 32'768 + 4'500'000);
            CHECK(is_within(bytes_at_the_end, bytes_before, 1));
            CHECK(is_within(resident_at_the_end, resident_before, 10));
        }
    }
}

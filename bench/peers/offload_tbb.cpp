// SPDX-License-Identifier: MIT
// Empty jobs by a bare task_arena::enqueue, at most 1,000 in flight; the hand-back is a flag that the submitter waits for (a futex).
// The peer of ../offload.cpp. WORKERS is the number of TBB's threads beside the submitter.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <cstddef>
#include <vector>

#include "measure.hpp"

namespace {

class completion {
public:
    void reset() { is_done_.store(0, std::memory_order_relaxed); }
    void set() {
        is_done_.store(1, std::memory_order_release);
        is_done_.notify_one();
    }
    void wait() { is_done_.wait(0, std::memory_order_acquire); }

private:
    std::atomic<int> is_done_{1};
};

}  // namespace

int main(int argc, char** argv) {
    constexpr std::size_t in_flight = 1'000;
    const bench::arguments arguments(argc, argv, 1'000'000);
    const oneapi::tbb::global_control threads(oneapi::tbb::global_control::max_allowed_parallelism,
                                              arguments.workers + 1);
    oneapi::tbb::task_arena arena(static_cast<int>(arguments.workers), 0);
    std::vector<completion> window(in_flight);
    bench::measure(arguments.size, [&] {
        for (std::size_t i = 0; i != arguments.size; ++i) {
            completion& slot = window[i % in_flight];
            slot.wait();
            slot.reset();
            arena.enqueue([&slot] { slot.set(); });
        }
        for (completion& slot : window) slot.wait();
        return 0;
    });
}

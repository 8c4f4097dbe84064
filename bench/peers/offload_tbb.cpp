// SPDX-License-Identifier: MIT
// Empty jobs by a bare task_arena::enqueue; the hand-back is a flag that the submitter waits for, which is a futex, or with a first
// argument `--condvar` a mutex and a condition variable. WORKERS is the number of TBB's threads beside the submitter.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <vector>

#include "offload_peer.hpp"

namespace {

class futex_completion {
public:
    void reset() { is_done_.store(0, std::memory_order::relaxed); }
    void set() {
        // Sequentially consistent, which on x86 is a fence: notify_one() of libstdc++ 12 looks by a plain load whether anybody waits, and
        // behind a release this program hung once in a hundred runs.
        is_done_.store(1, std::memory_order::seq_cst);
        is_done_.notify_one();
    }
    void wait() { is_done_.wait(0, std::memory_order::acquire); }

private:
    std::atomic<int> is_done_{0};
};

class condvar_completion {
public:
    void reset() { is_done_ = false; }
    void set() {
        // With the lock held: once it is seen, the submitter uses this again, or ends it.
        const std::lock_guard guard(lock_);
        is_done_ = true;
        changed_.notify_one();
    }
    void wait() {
        std::unique_lock guard(lock_);
        changed_.wait(guard, [this] { return is_done_; });
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    bool is_done_ = false;
};

template <class Completion>
struct handle {
    Completion* completion;
    void wait() { completion->wait(); }
};

template <class Completion>
void run(const bench::offload_arguments& given) {
    // TBB counts the calling thread, which here only waits.
    const oneapi::tbb::global_control threads(oneapi::tbb::global_control::max_allowed_parallelism, given.workers + 1);
    oneapi::tbb::task_arena arena(static_cast<int>(given.workers), 0);
    std::vector<Completion> completions(bench::jobs_in_flight);
    bench::run_offload_peer(given, [&](std::size_t slot) {
        Completion& completion = completions[slot];
        completion.reset();
        arena.enqueue([&completion] { completion.set(); });
        return handle<Completion>{&completion};
    });
}

}  // namespace

int main(int argc, char** argv) {
    const bool by_condvar = argc > 1 && std::string_view(argv[1]) == "--condvar";
    const bench::offload_arguments given(argc - by_condvar, argv + by_condvar);
    if (by_condvar)
        run<condvar_completion>(given);
    else
        run<futex_completion>(given);
}

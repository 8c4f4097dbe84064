// SPDX-License-Identifier: MIT
// A world of simulated threads on one thread, with a virtual clock: what a sim_runtime puts in the place of the operating system. The
// library's code runs in it as it is; at each yield point and each wait a seeded generator says which thread goes on.
//
// Threads are fibers, and the one that made the world is the first of them. A thread can go on if it is ready, if the word that it
// waits on has changed (nobody need tell: the words are looked at), or if its deadline is over. One that waits a turn looks again
// after the others have gone on. If none can go on, the clock jumps to the earliest deadline. If there is none, the world has stalled:
// a thread in a block_on is told by an exception; if there is none either, the process ends with a message.
//
// Nothing outside the seed decides: no addresses, no clock, no random device. The world is closed: what other threads of the process
// do is seen, but then no run is like another.
//
// A std::mutex that user code holds across a yield point (any call that wakes, spawns or waits) and locks in another simulated thread
// blocks for ever: there is one thread.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/platform.hpp"
#include "testing/fiber.hpp"

namespace pollux::inline v0::detail {

class simulation final : public platform {
public:
    explicit simulation(std::uint64_t seed);
    ~simulation() override;

    std::uint64_t seed() const noexcept { return seed_; }
    const std::string& event_log() const noexcept { return log_; }
    /// Whose block_on waits here; another runtime's waits in the system.
    void serves(runtime_core& runtime) noexcept { runtime_ = &runtime; }
    bool is_on_its_thread() const noexcept { return std::this_thread::get_id() == thread_; }
    /// The caller is the first thread, not one that the world has made.
    bool is_on_first() const noexcept;
    std::uint64_t random() noexcept;
    /// Called on the first thread: the others go on until the clock has come to `moment` and none can go on any more.
    void run_until(time_point moment) noexcept;

    // platform
    void yield_point(const char* where) noexcept override;
    time_point now() noexcept override { return now_; }
    bool wait(const word& waited_for, std::uint32_t value, time_point deadline) noexcept override;
    void wait_in_block_on(const word& waited_for, std::uint32_t value, const runtime_core* runtime) override;
    void wait_a_turn(time_point deadline) noexcept override;
    bool prefers_later_ones() noexcept override;
    void runs(runnable& item) noexcept override;
    bool has_threads() const noexcept override { return true; }
    std::shared_ptr<platform_thread> start(std::function<void()> body) override;

private:
    enum class state : std::uint8_t { ready, waits, waits_a_turn, advances, ended };
    struct strand;

    bool can_go_on(const strand& one) const noexcept;
    strand& next() noexcept;
    void something_happens() noexcept;
    bool jump() noexcept;
    strand& stalled() noexcept;
    void suspend(const char* where) noexcept;
    void go_on(strand& chosen, const char* where) noexcept;
    void reap() noexcept;
    std::string describe() const;
    [[gnu::format(printf, 2, 3)]] void note(const char* format, ...) noexcept;

    const std::uint64_t seed_;
    const std::thread::id thread_;
    unsigned next_number_ = 0;
    std::uint64_t random_;
    std::uint64_t switch_one_in_;     // at a yield point
    std::uint64_t pass_over_one_in_;  // where a worker has several items
    time_point now_;
    runtime_core* runtime_ = nullptr;
    std::vector<std::shared_ptr<strand>> strands_;  // the first is this thread
    strand* running_;
    std::vector<strand*> candidates_;
    std::vector<std::unique_ptr<fiber_stack>> free_stacks_;
    std::unordered_map<std::uint64_t, unsigned> tasks_;  // numbers for the log: ids differ from run to run
    std::string log_;
    simulation* older_;  // of this thread
};

}  // namespace pollux::inline v0::detail

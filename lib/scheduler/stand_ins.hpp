// SPDX-License-Identifier: MIT
// The threads that stand in for workers which are away: stuck in a long poll (the watchdog says so) or in block_in_place (the worker
// itself does). A stand-in is one more worker with a thread of its own. It runs the usual loop, so it steals what the other has
// queued, and it serves the other's wheel of sleeps. One for each worker that is away, so there are always as many that are not as
// the runtime has workers; a stand-in that is away gets one in turn, unless it has been relieved already.
//
//   hired ──> works ──> relieved (the other is back): ends the poll it is in, gives what it has queued to the injection queue, leaves
//    ^                                                the search                                                          │
//    └──────────────────────────────── rests, outside of the idle set, for blocking_keep_alive; then its thread ends <──────┘
//
// Why no wake-up is lost. While it works, a stand-in is a worker like others to idle_set.hpp, in a place of its own. It is relieved by
// a mark and a token for its parker, and leaves between two items: it is awake then, so it does not stand in the set. It leaves the
// search as one that has found work: the last to leave wakes the next sleeper. Then it pushes what it has, as everybody pushes. So to
// the proof there it is a worker that is busy for ever.
// Sleeps. Whoever arms one that is earlier than somebody's rest wakes all that serve its wheel: the worker and, one after the other,
// those that stand in. Hired after that look, a stand-in sees the sleep: it reads the wheel, under its lock, before it parks. Relieved,
// it wakes the others of its wheel at the end, for they may have parked before it armed its last one.
//
// Where no thread, no memory or no place is to be had, nobody stands in, and the watchdog's next look tries again.
// No user code runs under the lock. Workers stay until the runtime goes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "scheduler/parker.hpp"
#include "scheduler/thread_hooks.hpp"

namespace pollux::inline v0::detail {

class runtime_core;
class worker;

/// Why a worker is away; both may hold.
enum class absence : std::uint8_t { stuck = 1, in_place = 2 };

/// Threads: any.
class stand_ins {
public:
    explicit stand_ins(runtime_core& core) noexcept : core_(core) {}
    stand_ins(const stand_ins&) = delete;
    stand_ins& operator=(const stand_ins&) = delete;
    ~stand_ins();

    /// `away` does not come to its queues and its sleeps. Cost: a lock, and a wake-up of a thread or the start of one.
    void take_over(worker& away, absence why) noexcept;
    /// That reason does not hold any longer. Cost: a lock, and a wake-up of a thread.
    void give_back(worker& back, absence why) noexcept;
    /// Somebody is away and nobody stands in.
    bool has_missing() const noexcept {
        return has_missing_.load(std::memory_order::relaxed);
    }  // asked again and again
    /// Tries again for those.
    void try_again() noexcept;
    /// A stand-in is at work. Seen by itself, and by who has stolen from it or woken it.
    bool are_active() const noexcept {
        return active_.load(std::memory_order::relaxed) != 0;
    }  // the hiring publishes it

    /// When the runtime's tasks have ended and its workers have been told to stop: joins the threads.
    void stop() noexcept;

private:
    enum class life : std::uint8_t { no_thread, resting, working };

    struct member {
        explicit member(worker& worker) noexcept : self(worker) {}

        worker& self;
        parker rest;
        // With the lock held.
        runtime_thread thread;
        life state = life::no_thread;
    };

    // With the lock held.
    void see_to(worker& away) noexcept;
    void miss_one() noexcept;
    void hire(member& one, worker& away);
    member* find();

    // A thread's own.
    void live(member& self) noexcept;
    bool enter(member& self) noexcept;
    bool rest(member& self) noexcept;

    // With the lock not held: `thread` is guarded by it.
    void join_one(runtime_thread& thread) noexcept;

    runtime_core& core_;
    std::atomic<unsigned> active_{0};
    std::atomic<bool> has_missing_{false};
    std::mutex lock_;
    // Guarded by it, and so is what workers keep about standing in.
    std::vector<std::unique_ptr<member>> members_;
    runtime_thread ended_last_;                         // joined by the next that ends
    std::chrono::steady_clock::time_point next_try_{};  // not before: the last one failed
    bool is_closed_ = false;
};

}  // namespace pollux::inline v0::detail

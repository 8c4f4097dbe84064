// SPDX-License-Identifier: MIT
// What a runtime counts, always: each worker in plain words of its own, added up when somebody asks.
#pragma once

#include <cstdint>

namespace pollux::inline v0 {

/// Numbers of one runtime, each read at its own moment. Counters only grow while it lives; gauges say what is now.
struct runtime_metrics {
    std::uint64_t workers = 0;           ///< worker threads
    std::uint64_t alive_tasks = 0;       ///< spawned and not ended
    std::uint64_t spawned = 0;           ///< tasks spawned so far
    std::uint64_t polls = 0;             ///< polls of tasks and forked children by the loop
    std::uint64_t forks = 0;             ///< children of forks beyond the first, or a lone one; in steps of up to 256
    std::uint64_t parks = 0;             ///< times a worker went to sleep
    std::uint64_t wakes = 0;             ///< times a sleeping worker was woken for work
    std::uint64_t idle_wakes = 0;        ///< times a woken worker found nothing and went to sleep again
    std::uint64_t steals = 0;            ///< successful visits to another worker's queues
    std::uint64_t stolen_tasks = 0;      ///< tasks and fork points taken by them
    std::uint64_t overflows = 0;         ///< times a full run queue gave half of its tasks to the injection queue
    std::uint64_t injected = 0;          ///< tasks that came from threads that are not workers
    std::uint64_t forced_yields = 0;     ///< polls that ended because their budget was spent
    std::uint64_t local_depth = 0;       ///< tasks in the workers' queues
    std::uint64_t injection_depth = 0;   ///< tasks in the injection queue
    std::uint64_t offload_queued = 0;    ///< jobs of offload that wait for a slot; not those that wait for room
    std::uint64_t offload_running = 0;   ///< jobs of offload that run
    std::uint64_t offload_slots = 0;     ///< jobs of offload that may run at once, as oneTBB allows it
    std::uint64_t blocking_threads = 0;  ///< threads of blocking
    std::uint64_t blocking_idle = 0;     ///< of these, waiting for a job
    std::uint64_t blocking_queued = 0;   ///< jobs of blocking that wait
    std::uint64_t timers_armed = 0;      ///< sleeps that wait
    std::uint64_t descriptors = 0;       ///< file descriptors held by the runtime itself
};

}  // namespace pollux::inline v0

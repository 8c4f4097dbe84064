// SPDX-License-Identifier: MIT
// What a runtime is at, in words, for a test that hangs: every worker with what waits there, and every task that has waited once.
#include <string>

#include "pollux/core/task_state.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

using states = task_states;

void describe_task(task_header& task, std::string& text) {
    const std::uint64_t state = task.state.load(std::memory_order::relaxed);  // some recent value
    // In the other states its future may be on its way out, and its name with it.
    if ((state & (states::running | states::complete)) != 0) {
        text += "  a task: is being polled or ends\n";
        return;
    }
    const task_identity identity = task.identity();
    text += "  task " + std::to_string(identity.id.value) + " (spawned at " + identity.spawned_at.file_name() + ":" +
            std::to_string(identity.spawned_at.line()) + "): ";
    text += (state & states::notified) != 0 ? "queued" : "waits to be woken";
    if ((state & states::cancelled) != 0) text += ", cancelled";
    if ((state & states::join_waker) != 0) text += ", awaited";
    text += "\n";
}

}  // namespace

void worker::describe(std::string& text) const {
    text += "  worker " + std::to_string(index_) + ": " + (parker_.is_parked() ? "parked" : "awake") + ", " +
            std::to_string(queue_.size()) + " in the run queue" + (slot_.looks_empty() ? "" : ", 1 in the next slot") +
            (forks.looks_empty() ? "" : ", forks") + ", " +
            // A stand-in's wheel is another worker's, and changes with the hiring.
            (index_ < core_.worker_count() ? std::to_string(wheel_->size()) + " sleeps, " : "stands in, ") +
            std::to_string(count_.polls.read()) + " polls\n";
}

std::string runtime_core::describe() {
    const runtime_metrics now = metrics();
    std::string text =
        "pollux: a runtime with " + std::to_string(now.alive_tasks) + " tasks alive, " +
        std::to_string(now.injection_depth) + " in the injection queue, " + std::to_string(idle_.sleepers()) +
        " workers asleep, " + std::to_string(idle_.searchers()) + " searching" + (is_ending() ? ", ending" : "") +
        "; offload: " + std::to_string(now.offload_queued) + " queued, " + std::to_string(now.offload_running) +
        " running; blocking: " + std::to_string(now.blocking_queued) + " queued, " +
        std::to_string(now.blocking_threads) + " threads\n";
    for (const auto& each : workers_) each->describe(text);
    tasks_.for_each([&text](task_header& task) { describe_task(task, text); });
    return text;
}

}  // namespace pollux::inline v0::detail

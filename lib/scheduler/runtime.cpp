// SPDX-License-Identifier: MIT
// The public objects, over runtime_core.
#include "pollux/runtime/runtime.hpp"

#include <system_error>
#include <utility>

#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/yield.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0 {

no_runtime::~no_runtime() = default;
const char* no_runtime::what() const noexcept { return message_; }
task_cancelled::~task_cancelled() = default;
const char* task_cancelled::what() const noexcept {
    return "pollux: the task was cancelled: it was aborted, or its runtime has ended";
}

namespace detail {

void throw_task_cancelled() { throw task_cancelled(); }

void refuse_in_child(const runtime_core& core) {
    if (core.is_in_child())
        throw std::system_error(
            std::make_error_code(std::errc::operation_not_permitted),
            "pollux: runtime: used in a child of fork(), which has none of its threads; let the child exec "
            "or _exit only, or make the runtime there");
}

bool is_on_worker(const runtime_core& core) noexcept {
    for (const execution* each = current_execution; each != nullptr; each = each->outer)
        if (each->worker_of == &core) return true;
    return false;
}

// A worker, one that has stepped aside in a poll, or a thread of its in a hook.
bool is_joined_by(const runtime_core& core) noexcept {
    return is_on_worker(core) || waits_for_us.in_poll_of == &core ||
           (waits_for_us.thread_of == &core && waits_for_us.in_job_of != &core);
}

namespace {

void refuse_if(bool is_refused, const runtime_core& core, const char* message) {
    if (is_refused) throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur), message);
    refuse_in_child(core);
}

}  // namespace

void refuse_shutdown_on_own_thread(const runtime_core& core) {
    refuse_if(
        is_joined_by(core), core,
        "pollux: shutdown: called on a worker of this runtime, or in a hook on one of its threads, which it would have "
        "to join; call it on the thread that made the runtime, or another");
}

void refuse_endless_shutdown(const runtime_core& core, std::chrono::nanoseconds grace) {
    refuse_if(waits_for_us.in_job_of == &core && !runtime_core::can_end(grace), core,
              "pollux: shutdown: called without a limit in a job of this runtime, for which it would have to wait; "
              "give it a grace, or call it elsewhere");
}

namespace {

execution& unless_worker(const runtime_core& core, execution& mine) {
    refuse_if(is_on_worker(core), core,
              "pollux: block_on: called on a worker of this runtime, whose tasks would wait for ever; await the "
              "future, or use blocking() or block_in_place()");
    return mine;
}

}  // namespace

block_on_scope::block_on_scope(runtime_core& core) : scope_(unless_worker(core, execution_)) {
    execution_.runtime = &core;
    core.add_owner();  // what is polled here may destroy the runtime
    if (current_blocks == nullptr) current_blocks = blocks_ = core.take_visitor_blocks();
}

poll_budget& block_on_scope::begin_poll() noexcept {
    execution_.runtime->begin_root_poll(budget_);
    return budget_;
}

block_on_scope::~block_on_scope() {
    if (blocks_ != nullptr) {
        current_blocks = nullptr;
        execution_.runtime->give_visitor_blocks(*blocks_);
    }
    execution_.runtime->drop_owner();
}

}  // namespace detail

runtime_handle::runtime_handle(detail::runtime_core& core) noexcept : core_(&core) { core.add_owner(); }
runtime_handle::runtime_handle(const runtime_handle& other) noexcept : core_(other.core_) {
    if (core_ != nullptr) core_->add_owner();
}
runtime_handle::~runtime_handle() {
    if (core_ != nullptr) core_->drop_owner();
}

runtime_handle runtime_handle::current() {
    detail::runtime_core* const core = detail::current_runtime();
    if (core == nullptr)
        throw no_runtime(
            "pollux: runtime_handle::current: no runtime on this thread; call it inside a task, or use "
            "runtime::handle");
    return runtime_handle(*core);
}

runtime::runtime(runtime_options options)
    : core_(&detail::runtime_core::make(std::move(options), detail::runtime_core::flavour::threads)) {}

runtime::~runtime() {
    if (detail::is_joined_by(*core_) || detail::waits_for_us.in_job_of == core_)
        detail::fail_check(
            "pollux: ~runtime: called on one of its own threads, or in one of its own jobs, for which it would have to "
            "wait; let the thread that made it, or another, destroy it");
    if (core_->is_in_child()) return;  // nobody is there to be waited for; the memory goes with the process
    core_->end();
    core_->drop_owner();
}

shutdown_report runtime::shutdown(std::chrono::nanoseconds grace) {
    detail::refuse_shutdown_on_own_thread(*core_);
    detail::refuse_endless_shutdown(*core_, grace);
    return core_->shutdown(grace);
}

runtime_metrics runtime::metrics() const noexcept { return core_->metrics(); }

std::optional<task_id> current_task_id() noexcept {
    const detail::execution* const mine = detail::current_execution;
    if (mine == nullptr || mine->task == nullptr) return std::nullopt;
    return mine->task->identity().id;
}

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
#include "process/running.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <source_location>
#include <utility>

#include "net/require_runtime.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/runtime/spawn.hpp"

namespace pollux::inline v0::process::detail {

namespace {

constinit pollux::detail::short_lock orphans_lock;
// Guarded by it.
constinit running* first_orphan = nullptr;

bool has_ended(running& one) noexcept {
    const auto looked = one.try_wait();
    return !looked.has_value() || looked->has_value();  // an error says that there is nothing left to wait for
}

void keep_orphans(running* first, running* last) noexcept {
    const pollux::detail::lock_scope guard(orphans_lock);
    last->next_orphan = first_orphan;
    first_orphan = first;
}

void leave_to_others(running* one) noexcept {
    // It may stay here for long, so it leaves the reactor.
    one->exited = net::detail::source(one->exited.release());
    keep_orphans(one, one);
}

}  // namespace

running::running()
    : reaper(&pollux::detail::future_cell<reap_future>::make(reap_future(*this), pollux::detail::new_task_id(),
                                                             std::source_location::current())) {}

running::~running() {
    if (reaper != nullptr) pollux::detail::future_cell<reap_future>::unmake(*reaper);
}

std::expected<std::optional<exit_status>, std::error_code> running::try_wait() noexcept {
    if (!exited.is_open()) return std::unexpected(std::make_error_code(std::errc::no_child_process));
    siginfo_t info = {};
    while (::waitid(P_PIDFD, static_cast<id_t>(exited.descriptor()), &info, WEXITED | WNOHANG) != 0)
        if (errno != EINTR) return std::unexpected(std::error_code(errno, std::system_category()));
    if (info.si_pid == 0) return std::nullopt;
    return exit_status(info.si_status, info.si_code != CLD_EXITED);
}

polled<exit_status, std::error_code> running::poll_wait(context& cx) {
    if (!exited.is_open()) {
        net::detail::require_runtime(cx);
        if (!cx.consume_budget()) return pending;
        return std::unexpected(try_wait().error());
    }
    for (;;) {
        auto ready = exited.poll_ready(cx, net::direction::read);
        if (ready.is_pending()) return pending;
        if (ready.has_error()) return std::unexpected(ready.error());
        if (!cx.consume_budget()) return pending;
        const auto looked = try_wait();
        if (!looked.has_value()) return std::unexpected(looked.error());
        if (looked->has_value()) return **looked;
        exited.would_block(net::direction::read, ready.value());
    }
}

void running::abandon(running* one) noexcept {
    look_through_orphans();
    if (has_ended(*one)) {
        delete one;
        return;
    }
    one->is_abandoned = true;
    auto* const reaper = std::exchange(one->reaper, nullptr);
    using cell = pollux::detail::future_cell<reap_future>;
    pollux::detail::runtime_core* const core = pollux::detail::current_runtime();
    // Started, the task has the object, and the handle that goes at once detaches it. Else its future leaves the object to others.
    if (core != nullptr && pollux::detail::start_task(*core, *reaper))
        join_handle<void>(reaper, &reaper->outcome(), task_id());
    else
        cell::unmake(*reaper);
}

reap_future::~reap_future() {
    if (of_ != nullptr && of_->is_abandoned) leave_to_others(of_);
}

polled<void> reap_future::poll(context& cx) {
    try {
        if (of_->poll_wait(cx).is_pending()) return pending;
    } catch (...) {  // no reactor: a simulation, or no memory
    }
    running* const one = std::exchange(of_, nullptr);
    if (has_ended(*one))
        delete one;
    else
        leave_to_others(one);  // the reactor does not take it
    return polled<>::ready();
}

void look_through_orphans() noexcept {
    running* left = nullptr;
    {
        const pollux::detail::lock_scope guard(orphans_lock);
        left = std::exchange(first_orphan, nullptr);
    }
    running* still_first = nullptr;
    running* still_last = nullptr;
    while (left != nullptr) {
        running* const one = std::exchange(left, left->next_orphan);
        if (has_ended(*one)) {
            delete one;
            continue;
        }
        one->next_orphan = still_first;
        still_first = one;
        if (still_last == nullptr) still_last = one;
    }
    if (still_first != nullptr) keep_orphans(still_first, still_last);
}

}  // namespace pollux::inline v0::process::detail

// SPDX-License-Identifier: MIT
#include "pollux/process/child.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <tuple>

#include "pollux/future/try_join.hpp"
#include "process/running.hpp"

namespace pollux::inline v0::process {

child::child(child&& other) noexcept
    : running_(std::exchange(other.running_, nullptr)),
      is_killed_by_drop_(other.is_killed_by_drop_),
      status_(other.status_),
      stdin_(std::move(other.stdin_)),
      stdout_(std::move(other.stdout_)),
      stderr_(std::move(other.stderr_)) {}

child::~child() {
    if (running_ == nullptr) return;
    if (is_killed_by_drop_) static_cast<void>(start_kill());
    // Before it is waited for: a process that reads to the end ends by that.
    stdin_.reset();
    detail::running::abandon(running_);
}

void child::swap(child& other) noexcept {
    std::swap(running_, other.running_);
    std::swap(is_killed_by_drop_, other.is_killed_by_drop_);
    std::swap(status_, other.status_);
    std::swap(stdin_, other.stdin_);
    std::swap(stdout_, other.stdout_);
    std::swap(stderr_, other.stderr_);
}

std::optional<int> child::id() const noexcept {
    return running_ != nullptr && running_->exited.is_open() ? std::optional(running_->pid) : std::nullopt;
}

std::expected<void, std::error_code> child::start_kill() noexcept {
    if (running_ == nullptr || !running_->exited.is_open())
        return std::unexpected(std::make_error_code(std::errc::no_such_process));
    // Not kill(): the number could be another's by now, if somebody else has waited for the process.
    if (::syscall(SYS_pidfd_send_signal, running_->exited.descriptor(), SIGKILL, nullptr, 0) != 0)
        return std::unexpected(std::error_code(errno, std::system_category()));
    return {};
}

std::expected<std::optional<exit_status>, std::error_code> child::try_wait() {
    if (status_.has_value()) return status_;
    pollux::detail::debug_check(running_ != nullptr, "pollux: process::child: it was used after it was moved from");
    const auto looked = running_->try_wait();
    if (looked.has_value() && looked->has_value()) {
        status_ = *looked;
        delete std::exchange(running_, nullptr);
    }
    return looked;
}

polled<exit_status, std::error_code> child::poll_wait(context& cx) {
    stdin_.reset();
    if (status_.has_value()) {
        if (!cx.consume_budget()) return pending;
        return *status_;
    }
    pollux::detail::debug_check(running_ != nullptr, "pollux: process::child: it was used after it was moved from");
    auto ended = running_->poll_wait(cx);
    if (!ended.is_pending() && ended.has_value()) {
        status_ = ended.value();
        delete std::exchange(running_, nullptr);
        detail::look_through_orphans();
    }
    return ended;
}

polled<exit_status, std::error_code> detail::wait_future::poll(context& cx) { return of_->poll_wait(cx); }

polled<exit_status, std::error_code> detail::kill_future::poll(context& cx) {
    if (!is_sent_) {
        if (const auto sent = of_->start_kill(); !sent.has_value()) return std::unexpected(sent.error());
        is_sent_ = true;
    }
    return wait_future(*of_).poll(cx);
}

namespace {

task<std::string, std::error_code> read_all(std::optional<pipe_reader> from) {
    if (!from.has_value()) co_return std::string();
    co_return co_await from->read_to_end();
}

task<output, std::error_code> collect(child one) {
    auto all = try_join(read_all(one.take_stdout()), read_all(one.take_stderr()), one.wait());
    auto done = co_await std::move(all);
    if (!done.has_value()) co_return std::unexpected(done.error());
    auto& [written, complaints, status] = *done;
    output collected{status, std::move(written), std::move(complaints)};
    co_return collected;
}

}  // namespace

task<output, std::error_code> child::wait_with_output() && { return collect(std::move(*this)); }

}  // namespace pollux::inline v0::process

// SPDX-License-Identifier: MIT
// `child`: a process that a `command` has started. What happens to one that is dropped stands in lib/process/running.hpp.
#pragma once

#include <expected>
#include <optional>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/process/exit_status.hpp"
#include "pollux/process/pipe.hpp"

namespace pollux::inline v0::process {

class child;

namespace detail {

struct running;
struct spawning;

class [[nodiscard]] wait_future {
public:
    using value_type = exit_status;
    using error_type = std::error_code;

    explicit wait_future(child& of) noexcept : of_(&of) {}
    POLLUX_API polled<exit_status, std::error_code> poll(context& cx);

private:
    child* of_;
};

class [[nodiscard]] kill_future {
public:
    using value_type = exit_status;
    using error_type = std::error_code;

    explicit kill_future(child& of) noexcept : of_(&of) {}
    POLLUX_API polled<exit_status, std::error_code> poll(context& cx);

private:
    child* of_;
    bool is_sent_ = false;
};

}  // namespace detail

/// A process that was started by `command::spawn`, and the pipes to it.
///
/// Dropping it lets the process go on, or kills it where `command::kill_on_drop(true)` was said; its pipes are closed. It leaves no
/// zombie: where the drop finds it running, a task of the thread's current runtime waits for its end. Without a runtime, or when that ends
/// first, it is left to the next `spawn`, wait or drop of a child in this process; if there is none, it stays a zombie until the process
/// ends.
///
/// Threads: any, one at a time. It may be moved at any time, but not while a future that it has given is in use.
class POLLUX_API [[nodiscard]] child {
public:
    child(child&& other) noexcept;
    child& operator=(child other) noexcept {
        swap(other);
        return *this;
    }
    ~child();

    /// The number of the process. None once its end has been seen, also by somebody else before it was known in here: then the number
    /// may be another's.
    std::optional<int> id() const noexcept;

    /// Waits for the end of the process. The pipe to its standard input is closed first, if it is still here: a process that reads to the
    /// end would wait for ever. After the end, the same answer again at once.
    ///
    /// Errors: std::errc::no_child_process if the program ignores SIGCHLD or somebody else has waited for it; what registering fails
    /// with; std::errc::operation_canceled after the end of the runtime in which it has waited. Throws: when polled, no_runtime.
    /// Cancel: dropping it while it is pending loses nothing.
    /// Cost: no allocation; two system calls more than the first wait of any descriptor.
    auto wait() noexcept { return detail::wait_future(*this); }
    /// How it has ended, if it has. Needs no runtime. Errors: as wait().
    std::expected<std::optional<exit_status>, std::error_code> try_wait();

    /// Kills the process and waits for its end. Errors: as start_kill() and wait(). Cancel: it is killed from the first poll on.
    auto kill() noexcept { return detail::kill_future(*this); }
    /// Sends SIGKILL, and does not wait. Errors: std::errc::no_such_process if id() has none.
    std::expected<void, std::error_code> start_kill() noexcept;

    /// Closes its standard input, collects what it writes to the streams that are piped and still here, all at once, and waits for its end.
    ///
    /// Errors: as wait() and of the pipes. Throws: when polled, no_runtime; std::bad_alloc, which is thrown by the call, too.
    /// Cancel: what was read is lost, and the process is dropped.
    task<output, std::error_code> wait_with_output() &&;

    /// The parent's ends, of the streams that are `stdio::piped`; each only once.
    std::optional<pipe_writer> take_stdin() noexcept { return std::exchange(stdin_, std::nullopt); }
    std::optional<pipe_reader> take_stdout() noexcept { return std::exchange(stdout_, std::nullopt); }
    std::optional<pipe_reader> take_stderr() noexcept { return std::exchange(stderr_, std::nullopt); }

private:
    friend detail::spawning;
    friend detail::wait_future;

    child(detail::running* running, bool is_killed_by_drop) noexcept
        : running_(running), is_killed_by_drop_(is_killed_by_drop) {}

    void swap(child& other) noexcept;
    polled<exit_status, std::error_code> poll_wait(context& cx);

    detail::running* running_;  // null once its end has been seen
    bool is_killed_by_drop_;
    std::optional<exit_status> status_;
    std::optional<pipe_writer> stdin_;
    std::optional<pipe_reader> stdout_;
    std::optional<pipe_reader> stderr_;
};

}  // namespace pollux::inline v0::process

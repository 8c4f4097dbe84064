// SPDX-License-Identifier: MIT
// `signal::on`: a stream of the signals of one number. What the handler does stands in lib/signal/arrivals.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::signal {

/// What `on` gives: the number of the signal, once or more after each that was delivered since `on`; several that come before one poll
/// may be one item. It has no end. It may be moved at any time.
///
/// Throws: when polled, no_runtime outside a runtime; task_cancelled once the runtime has ended in which it waited first;
/// std::system_error if that runtime cannot have the descriptors to wait.
/// Threads: polled by one at a time; the signal may come on any thread that does not block it. Not to be destroyed in a signal handler.
/// Cancel: dropping a pending `next` loses nothing.
/// Cost: no allocation of its own; a system call when it waits for the first time.
class POLLUX_API [[nodiscard]] signal_stream {
public:
    using value_type = int;
    using error_type = never;

    signal_stream(signal_stream&& other) noexcept
        : number_(std::exchange(other.number_, 0)), seen_(other.seen_), arrivals_(std::move(other.arrivals_)) {}
    signal_stream& operator=(signal_stream other) noexcept {
        std::swap(number_, other.number_);
        std::swap(seen_, other.seen_);
        arrivals_.swap(other.arrivals_);
        return *this;
    }
    /// The end of the last stream of a signal restores the handler that was there before the first.
    ~signal_stream();

    polled<std::optional<int>> poll_next(context& cx);

    /// For the library.
    explicit signal_stream(int number);

private:
    int number_;
    std::uint64_t seen_ = 0;  // how many had come when the last item was given
    net::detail::source arrivals_;
};

/// A stream of the signals with that number, such as `SIGINT` of `<csignal>`: each one that is delivered to the process from now on, not
/// from the first poll. Any number of streams may be there for one signal, in any runtimes; each gets its own items.
///
/// The first stream of a signal installs a handler, and the signal's default (to end the process, mostly) is off. Then whatever was
/// installed before is called for each signal, too: a function, with the mask and flags that it came with; SIG_DFL and SIG_IGN have nothing
/// to call. The end of the last stream puts that back, unless the program has installed something else meanwhile: that stays. A
/// function that was installed over ours, and does not call the handler before it, takes the signal away from the streams.
///
/// The threads of a runtime block signals: one that is sent to the process comes on another thread, such as main's. So use
/// `kill(getpid(), number)` in a task: with `raise(number)` it stays with the worker.
///
/// Throws: std::invalid_argument for what is no signal, cannot be handled (SIGKILL, SIGSTOP), or tells of an error in the code
/// that runs (SIGSEGV, SIGBUS, SIGFPE, SIGILL); std::system_error if there is no descriptor left.
/// Threads: any. Cost: one descriptor, and one more for the first stream of a signal.
/// Source: merged signals and refused numbers as in Tokio's signal::unix; the handler before it is called and restored, which Tokio's is not.
inline signal_stream on(int number) { return signal_stream(number); }

}  // namespace pollux::inline v0::signal

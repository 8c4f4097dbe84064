// SPDX-License-Identifier: MIT
// Polls one future on this thread until it is ready. No runtime, no timers, no sockets: the future's own wakers end the wait.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0 {

namespace detail {

// A thread that waits for a wake-up: one sticky token. Shared with the wakers, which may outlive the wait.
class POLLUX_API thread_parker {
public:
    thread_parker();
    thread_parker(const thread_parker&) = delete;
    thread_parker& operator=(const thread_parker&) = delete;
    ~thread_parker();

    const pollux::waker& waker() const noexcept { return waker_; }
    /// Returns after a wake-up since the last return. Throws: std::system_error(resource_deadlock_would_occur) on a worker.
    void wait();

private:
    struct token;
    token* token_;
    pollux::waker waker_;
};

}  // namespace detail

/// Polls `fut` on this thread until it is ready, sleeping in between, and returns its outcome. An lvalue is polled in place.
///
/// Errors: as the future's. Throws: what the future throws; std::bad_alloc; std::system_error(resource_deadlock_would_occur)
/// on a worker of a runtime.
/// Threads: any that may block.
/// Cost: one allocation; a sleep and a wake-up of the thread are a system call each.
template <class F>
    requires future<F>
outcome_of<F> block_on(F&& fut) {
    std::remove_reference_t<F>& polled_in_place = fut;
    detail::thread_parker parker;
    for (;;) {
        context cx(parker.waker());
        auto answer = polled_in_place.poll(cx);
        if (answer.is_ready()) return answer.take();
        parker.wait();
    }
}

/// One poll under noop_waker(): the outcome, or nothing if the future is not ready. `unit` stands for void.
template <class F>
    requires future<F>
auto now_or_never(F&& fut) {
    using stored = std::conditional_t<std::is_void_v<outcome_of<F>>, unit, outcome_of<F>>;
    context cx(noop_waker());
    auto answer = fut.poll(cx);
    std::optional<stored> result;
    if (answer.is_ready()) {
        if constexpr (std::is_void_v<outcome_of<F>>)
            result.emplace();
        else
            result.emplace(answer.take());
    }
    return result;
}

}  // namespace pollux::inline v0

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
    /// Nobody has a clone of the waker, and it was not called: a wait would not end.
    bool is_forgotten() const noexcept;
    /// Returns after a wake-up since the last return. Throws: std::system_error(resource_deadlock_would_occur) on a worker.
    void wait();

private:
    struct token;
    token* token_;
    pollux::waker waker_;
};

}  // namespace detail

/// Polls `fut` on this thread until it is ready, sleeping in between, and returns its outcome. An lvalue is polled in place. A
/// callable without arguments is called first and kept meanwhile: what it returns is the future, or the outcome itself.
///
/// Hangs: for ever, if the future is never woken; debug builds stop with a message once nobody holds its waker any more.
/// Errors: as the future's. Throws: what the future throws; std::bad_alloc; std::system_error(resource_deadlock_would_occur)
/// on a worker of a runtime.
/// Threads: any that may block.
/// Cost: one allocation; a sleep and a wake-up of the thread are a system call each.
template <class F>
auto block_on(F&& fut) {
    using X = std::remove_reference_t<F>;
    if constexpr (!future<F> && std::is_invocable_v<X&>) {
        if constexpr (future<std::invoke_result_t<X&>>) {
            std::decay_t<F> kept(std::forward<F>(fut));  // a pointer, if it is the name of a function
            return pollux::block_on(kept());
        } else {
            return fut();
        }
    } else {
        static_assert(
            future<F>,
            "pollux: block_on: the argument is neither a future nor a callable without arguments; a future needs "
            "value_type, error_type and poll(context&) returning polled<value_type, error_type>");
        static_assert(!future<F> || !std::is_const_v<X>, "pollux: block_on: the future is const; polling changes it");
        if constexpr (future<F> && std::is_const_v<X>) {
            return;
        } else if constexpr (future<F>) {
            detail::thread_parker parker;
            for (;;) {
                context cx(parker.waker());
                auto answer = fut.poll(cx);
                if (answer.is_ready()) return answer.take();
#ifndef NDEBUG
                if (parker.is_forgotten())
                    detail::fail_check(
                        "pollux: block_on: the future is pending and nobody holds its waker, so it would wait for "
                        "ever; a "
                        "poll that returns pending keeps a clone of the waker for whoever completes it");
#endif
                parker.wait();
            }
        } else {
            detail::require_future<F>();
        }
    }
}

/// One poll under noop_waker(): the outcome, or nothing if the future is not ready. `unit` stands for void.
template <class F>
auto now_or_never(F&& fut) {
    static_assert(future<F>,
                  "pollux: now_or_never: the argument is not a future; it needs value_type, error_type and "
                  "poll(context&) returning polled<value_type, error_type>");
    if constexpr (future<F>) {
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
    } else {
        detail::require_future<F>();
    }
}

}  // namespace pollux::inline v0

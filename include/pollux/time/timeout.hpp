// SPDX-License-Identifier: MIT
// `timeout` and `timeout_at`: a limit to how long a future, or each item of a stream, is waited for.
//
// What is waited for is polled first, and the alarm only when that is pending. The alarm has no budget: it comes in
// however many futures use up that of every poll.
#pragma once

#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/time/clock.hpp"
#include "pollux/time/sleep.hpp"
#include "pollux/time/timed_out.hpp"

namespace pollux::inline v0 {

namespace detail {

/// Without the budget of `cx`, but in its runtime.
inline bool has_rung(sleep& alarm, context& cx) {
    poll_budget unlimited;
    unlimited.runtime = cx.runtime();
    context own(cx.waker(), &unlimited);
    return alarm.poll(own).is_ready();
}

/// The error of what is waited for as one of the timeout.
template <class To, class T, class E>
To pass_inner_error(polled<T, E>& from) {
    if constexpr (std::is_same_v<E, never>)
        std::unreachable();
    else
        return To::failed(std::in_place, std::move(from.error()));
}

template <class F>
class [[nodiscard]] timeout_future {
public:
    using value_type = value_type_of<F>;
    using error_type = typename timeout_error_for<error_type_of<F>>::type;

    timeout_future(F fut, sleep alarm) : alarm_(std::move(alarm)), place_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        using answer = polled<value_type, error_type>;
        debug_check(place_.is_first(), "pollux: timeout: polled after it was ready; destroy a future once it is ready");
        if (!place_.is_first()) return pending;
        auto inner = place_.first().poll(cx);
        if (inner.has_error()) return pass_inner_error<answer>(inner);
        if (inner.is_ready()) return pass_value<answer>(inner);
        if (!has_rung(alarm_, cx)) return pending;
        place_.reset();
        return answer::failed(timed_out());
    }

private:
    sleep alarm_;
    stages<F, unit> place_;  // gone: the time was over; there is no second stage
};

template <class S>
class [[nodiscard]] timeout_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = typename timeout_error_for<error_type_of<S>>::type;

    timeout_stream(S source, clock::duration limit) : source_(std::move(source)), limit_(limit), alarm_(sleep(limit)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        auto item = source_.poll_next(cx);
        if (item.is_pending()) {
            if (state_ == alarm_state::has_rung) return pending;
            if (state_ == alarm_state::to_be_set) alarm_.reset(later(clock::now(), limit_));
            state_ = alarm_state::set;
            if (!has_rung(alarm_, cx)) return pending;
            state_ = alarm_state::has_rung;
            return answer::failed(timed_out());
        }
        state_ = alarm_state::to_be_set;
        if (item.has_error()) return pass_inner_error<answer>(item);
        return answer::ready(std::move(item.value()));
    }

private:
    // One error a silence: an alarm that has rung is not set before the next answer of the source.
    enum class alarm_state : unsigned char { to_be_set, set, has_rung };

    [[no_unique_address]] S source_;
    clock::duration limit_;
    sleep alarm_;
    alarm_state state_ = alarm_state::to_be_set;
};

template <class X>
auto with_alarm(X&& x, sleep alarm) {
    return timeout_future<owned<X>>(detail::own(std::forward<X>(x)), std::move(alarm));
}

}  // namespace detail

/// `x`, a future, for at most `d` from its first poll; or `x`, a stream, with at most `d` of silence. `x` is polled before the time is
/// looked at: a value that is there is never late, and a `d` of zero is one poll. A future whose time is over is destroyed before the error
/// is handed out. A stream goes on: one error for each silence, and the time begins again when the stream is waited for after its next
/// item or error.
///
/// Errors: `timed_out` if `x` cannot fail, else `timeout_error<E>`, which holds the error of `x` or says that the time is over.
/// Throws: no_runtime when polled outside a runtime while `x` is pending; task_cancelled if the runtime has ended; what `x` throws.
/// Cancel: as `x`.
/// Cost: no allocation; that of a `sleep` if `x` is pending.
template <class X, class Rep, class Period>
auto timeout(X&& x, std::chrono::duration<Rep, Period> d) {
    static_assert(
        future<X> || stream<X>,
        "pollux: timeout: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: timeout: the first argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!future<X> && !stream<X>) {
        detail::require_future<X>();
    } else if constexpr (stream<X>) {
        return detail::timeout_stream<detail::owned<X>>(detail::own(std::forward<X>(x)), detail::saturated(d));
    } else {
        return detail::with_alarm(std::forward<X>(x), sleep_for(d));
    }
}

/// `x` until `deadline`. All else as `timeout` of a future.
template <class X>
auto timeout_at(X&& x, instant deadline) {
    static_assert(
        future<X>,
        "pollux: timeout_at: the first argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr (!future<X>) {
        detail::require_future<X>();
    } else {
        static_assert(
            !stream<X>,
            "pollux: timeout_at: the first argument is both a future and a stream; wrap the one that is meant");
        return detail::with_alarm(std::forward<X>(x), sleep_until(deadline));
    }
}

namespace detail {

struct timeout_op {
    template <class X>
    auto operator()(X&& x, clock::duration d) const {
        return pollux::timeout(std::forward<X>(x), d);
    }
};
struct timeout_at_op {
    template <class X>
    auto operator()(X&& x, instant deadline) const {
        return pollux::timeout_at(std::forward<X>(x), deadline);
    }
};

}  // namespace detail

template <class Rep, class Period>
detail::pipe<detail::timeout_op, clock::duration> timeout(std::chrono::duration<Rep, Period> d) {
    return {detail::saturated(d)};
}

namespace detail {

// A conversion, so that these overloads come behind every other, also behind another library's `timeout(int)`.
struct timeout_number {
    template <class N>
        requires std::is_arithmetic_v<N>
    timeout_number(N) {
        static_assert(!std::is_arithmetic_v<N>,
                      "pollux: timeout: the limit is a number without a unit; it is a std::chrono::duration, such as "
                      "std::chrono::seconds(5)");
    }
};

}  // namespace detail

/// A plain number is refused with a message.
template <class X>
    requires(future<X> || stream<X>)
auto timeout(X&& x, detail::timeout_number) {
    return pollux::timeout(std::forward<X>(x), clock::duration());  // so that no further error follows
}
inline detail::pipe<detail::timeout_op, clock::duration> timeout(detail::timeout_number) { return {clock::duration()}; }

inline detail::pipe<detail::timeout_at_op, instant> timeout_at(instant deadline) { return {deadline}; }

}  // namespace pollux::inline v0

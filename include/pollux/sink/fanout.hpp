// SPDX-License-Identifier: MIT
// `fanout`: each item into two sinks.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class A, class B>
class [[nodiscard]] fanout_sink {
public:
    using item_type = item_type_in<A>;
    using error_type = met<error_type_of<A>, error_type_of<B>>;

private:
    using answer = polled<void, error_type>;

public:
    fanout_sink(A first, B second) : first_(std::move(first)), second_(std::move(second)) {}

    answer poll_ready(context& cx) {
        // Both are asked each time, so that the task is woken by either; in order, which arguments of a call have not.
        auto first = first_.poll_ready(cx);
        return both(std::move(first), second_.poll_ready(cx));
    }
    outcome<void, error_type> start_send(item_type item) {
        answer started = detail::hand_to(first_, std::as_const(item));
        if (started.has_value()) started = detail::hand_to(second_, std::move(item));
        return started.take();
    }
    answer poll_flush(context& cx) {
        auto first = first_.poll_flush(cx);
        return both(std::move(first), second_.poll_flush(cx));
    }
    answer poll_close(context& cx) {
        // A sink that has been closed is not closed again while the other is on its way.
        if (!first_closed_) {
            auto closed = first_.poll_close(cx);
            if (closed.has_error()) return closed;
            first_closed_ = closed.has_value();
        }
        if (!second_closed_) {
            auto closed = second_.poll_close(cx);
            if (closed.has_error()) return closed;
            second_closed_ = closed.has_value();
        }
        if (first_closed_ && second_closed_) return answer::ready();
        return pending;
    }

private:
    static answer both(polled<void, error_type_of<A>> first, polled<void, error_type_of<B>> second) {
        if (first.has_error()) return first;
        if (second.has_error()) return second;
        if (first.has_value() && second.has_value()) return answer::ready();
        return pending;
    }

    [[no_unique_address]] A first_;
    [[no_unique_address]] B second_;
    bool first_closed_ = false;
    bool second_closed_ = false;
};

template <class A, class B>
inline constexpr bool fans_out =
    std::is_copy_constructible_v<item_type_in<A>> && sink<A, const item_type_in<A>&> && sink<B, item_type_in<A>>;

}  // namespace detail

/// A sink that gives each item to both sinks: a copy to `a`, the item itself to `b`. It is ready when both are, and
/// flushed or closed when both are.
///
/// Errors: that of `a` or `b`; if `a` refuses an item, `b` does not get it. Where both fail in one poll, that of `a` is
/// handed on and that of `b` dropped.
/// Cancel: it holds no item itself: one that was sent is in both sinks. Destroying it destroys them.
/// Cost: one copy of each item; no allocation.
template <class A, class B>
auto fanout(A&& a, B&& b) {
    static_assert(sink<A>,
                  "pollux: fanout: the first argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    static_assert(sink<B>,
                  "pollux: fanout: the second argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    if constexpr (!sink<A>) {
        detail::require_sink<A>();
    } else if constexpr (!sink<B>) {
        detail::require_sink<B>();
    } else {
        constexpr bool fits = detail::fans_out<A, B>;
        static_assert(
            fits, "pollux: fanout: the first sink's item_type cannot be copied, or the second sink does not take it");
        constexpr bool meet = detail::can_meet<detail::error_type_of<A>, detail::error_type_of<B>>;
        static_assert(meet, "pollux: fanout: the error types of the two sinks differ; make them one with sink_map_err");
        if constexpr (fits && meet) {
            return detail::fanout_sink<detail::owned<A>, detail::owned<B>>(detail::own(std::forward<A>(a)),
                                                                           detail::own(std::forward<B>(b)));
        }
    }
}

namespace detail {

struct fanout_op {
    template <class A, class B>
    auto operator()(A&& a, B&& b) const {
        return pollux::fanout(std::forward<A>(a), std::forward<B>(b));
    }
};

}  // namespace detail

template <class B>
detail::pipe<detail::fanout_op, detail::owned<B>> fanout(B&& b) {
    return {detail::own(std::forward<B>(b))};
}

}  // namespace pollux::inline v0

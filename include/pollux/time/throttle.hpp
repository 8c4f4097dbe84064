// SPDX-License-Identifier: MIT
// `throttle`: the items of a stream, not too fast.
#pragma once

#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/item.hpp"
#include "pollux/time/clock.hpp"
#include "pollux/time/sleep.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S>
class [[nodiscard]] throttle_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = error_type_of<S>;

    throttle_stream(S source, clock::duration pause)
        : source_(std::move(source)), pause_(pause), next_(sleep_until(instant())) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        if (is_pausing_) {
            if (next_.poll(cx).is_pending()) return pending;
            is_pausing_ = false;
        }
        auto item = source_.poll_next(cx);
        if (has_item(item) && pause_ > clock::duration::zero()) {
            next_.reset(later(clock::now(), pause_));
            is_pausing_ = true;
        }
        return item;
    }

private:
    [[no_unique_address]] S source_;
    clock::duration pause_;
    sleep next_;
    bool is_pausing_ = false;
};

}  // namespace detail

/// The items of `source` with at least `d` between one and the next; the first at once. `source` is not polled meanwhile. Errors do not
/// count; nothing is held up by a `d` that is not positive.
///
/// Throws: as `sleep`, in the poll after an item; what `source` throws.
/// Cancel: dropping a pending `next` loses nothing.
/// Cost: no allocation; one sleep, armed again for each item.
template <class X, class Rep, class Period>
auto throttle(X&& source, std::chrono::duration<Rep, Period> d) {
    static_assert(stream<X>,
                  "pollux: throttle: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: throttle: the first argument is both a future and a stream; wrap the one that is meant");
        return detail::throttle_stream<detail::owned<X>>(detail::own(std::forward<X>(source)), detail::saturated(d));
    }
}

namespace detail {

struct throttle_op {
    template <class X>
    auto operator()(X&& x, clock::duration d) const {
        return pollux::throttle(std::forward<X>(x), d);
    }
};

}  // namespace detail

template <class Rep, class Period>
detail::pipe<detail::throttle_op, clock::duration> throttle(std::chrono::duration<Rep, Period> d) {
    return {detail::saturated(d)};
}

namespace detail {

// A conversion, so that these overloads come behind every other, also behind another library's `throttle(int)`.
struct throttle_number {
    template <class N>
        requires std::is_arithmetic_v<N>
    throttle_number(N) {
        static_assert(!std::is_arithmetic_v<N>,
                      "pollux: throttle: the pause is a number without a unit; it is a std::chrono::duration, such as "
                      "std::chrono::seconds(5)");
    }
};

}  // namespace detail

/// A plain number is refused with a message.
template <class X>
    requires stream<X>
auto throttle(X&& x, detail::throttle_number) {
    return pollux::throttle(std::forward<X>(x), clock::duration());  // so that no further error follows
}
inline detail::pipe<detail::throttle_op, clock::duration> throttle(detail::throttle_number) {
    return {clock::duration()};
}

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// `flatten_stream`: the stream that a future gives, as a stream that begins with waiting for it.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F>
class [[nodiscard]] flatten_stream_stream {
    using inner = value_type_of<F>;

public:
    using value_type = value_type_of<inner>;
    using error_type = met<error_type_of<F>, error_type_of<inner>>;

    explicit flatten_stream_stream(F fut) : stages_(std::move(fut)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (stages_.is_first()) {
            auto first = poll_first(cx);
            if (first.is_pending()) return pending;
            if (first.has_error()) {
                stages_.reset();
                return pass_error<answer>(first);
            }
            stages_.advance([&]() -> inner&& { return std::move(first.value()); });
        }
        if (!stages_.is_second()) return answer::ready();
        return stages_.second().poll_next(cx);
    }

private:
    auto poll_first(context& cx) {
        try {
            return stages_.first().poll(cx);
        } catch (...) {
            stages_.reset();
            throw;
        }
    }

    kept_stages<F, inner> stages_;
};

}  // namespace detail

/// Waits for a future whose value is a stream, then gives the items of that stream, which may point into the future; so that is kept,
/// and destroyed after it. An error of the future is one error item, then the stream ends.
///
/// Throws: what the polls throw; if it was the future's, the stream is at its end then.
/// Cancel: dropping it destroys the stream, then the future; it holds no item.
/// Cost: no allocation.
template <class X>
auto flatten_stream(X&& x) {
    static_assert(
        future<X>,
        "pollux: flatten_stream: the argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr (!future<X>) {
        detail::require_future<X>();
    } else {
        using inner = detail::value_type_of<X>;
        static_assert(!stream<X>,
                      "pollux: flatten_stream: the argument is both a future and a stream; wrap the one that is meant");
        static_assert(stream<inner>,
                      "pollux: flatten_stream: the value of the future is not a stream; map it to one first (flatten "
                      "takes a future of a future)");
        if constexpr (stream<inner>) {
            constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<inner>>;
            static_assert(meet,
                          "pollux: flatten_stream: the error types of the future and of its stream differ; make them "
                          "one with map_err or from_err");
            if constexpr (meet) return detail::flatten_stream_stream<detail::owned<X>>(detail::own(std::forward<X>(x)));
        }
    }
}

namespace detail {

struct flatten_stream_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::flatten_stream(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::flatten_stream_op> flatten_stream() noexcept { return {}; }

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// `into_stream`: a future as a stream of one item. `once`, in pollux/stream/once.hpp, makes the same as a source.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F>
class [[nodiscard]] once_stream {
public:
    using value_type = or_unit<value_type_of<F>>;
    using error_type = error_type_of<F>;

    explicit once_stream(F fut) : place_(std::move(fut)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!place_.is_first()) return answer::ready();
        auto inner = poll_future(cx);
        if (inner.is_pending()) return pending;
        place_.end_first();
        if (inner.has_error()) return pass_error<answer>(inner);
        return pass_item<answer>(inner);
    }

private:
    auto poll_future(context& cx) {
        try {
            return place_.first().poll(cx);
        } catch (...) {
            place_.reset();
            throw;
        }
    }

    stages_for<F, unit> place_;  // there is no second stage
};

}  // namespace detail

/// The value of `x` (`unit` for `void`) as the one item of a stream, or its error as the one error; after that, the end
/// for ever. `x` is destroyed when it is ready; if its value is a future or a stream, which may point into `x`, with the stream.
///
/// Throws: what a poll of `x` throws; the stream is at its end then.
/// Cancel: dropping a pending `next` of it loses nothing; dropping the stream destroys `x`.
/// Cost: no allocation.
template <class X>
auto into_stream(X&& x) {
    static_assert(
        future<X>,
        "pollux: into_stream: the argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr (!future<X>) {
        detail::require_future<X>();
    } else {
        static_assert(!stream<X>,
                      "pollux: into_stream: the argument is both a future and a stream; wrap the one that is meant");
        return detail::once_stream<detail::owned<X>>(detail::own(std::forward<X>(x)));
    }
}

namespace detail {

struct into_stream_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::into_stream(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::into_stream_op> into_stream() noexcept { return {}; }

}  // namespace pollux::inline v0

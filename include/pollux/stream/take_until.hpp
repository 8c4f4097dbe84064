// SPDX-License-Identifier: MIT
// `take_until`: the items of a stream until a future is ready.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S, class F>
class [[nodiscard]] take_until_stream {
public:
    using value_type = value_type_of<S>;
    using error_type = met<error_type_of<S>, error_type_of<F>>;

    take_until_stream(S source, F until) : source_(std::move(source)), until_(std::move(until)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!until_.is_first()) return answer::ready();
        try {
            auto stop = until_.first().poll(cx);
            if (stop.is_ready()) {
                until_.reset();
                if (stop.has_error()) return pass_error<answer>(stop);
                return answer::ready();
            }
        } catch (...) {
            until_.reset();
            throw;
        }
        auto item = source_.poll_next(cx);
        if (is_end(item)) until_.reset();
        return item;
    }

private:
    [[no_unique_address]] S source_;
    stages<F, unit> until_;  // gone: the stream is at its end; there is no second stage
};

}  // namespace detail

/// The items of `source` until `until`, a future, is ready; then the end for ever. `until` is polled before `source` each
/// time, so it wins when both are ready; `source` is not polled after it. Its value is dropped; its error is handed on
/// as the last error of the stream. It is destroyed when it is ready or `source` has ended.
///
/// Throws: an exception of `until`, out of the poll; the stream is at its end then.
/// Cancel: dropping it destroys `until`, then `source`.
/// Cost: no allocation; each poll polls both.
template <class X, class F>
auto take_until(X&& source, F&& until) {
    static_assert(stream<X>,
                  "pollux: take_until: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(
            !future<X>,
            "pollux: take_until: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(future<F>,
                      "pollux: take_until: the second argument is not a future; it needs value_type, error_type and "
                      "poll(context&)");
        if constexpr (!future<F>) {
            detail::require_future<F>();
        } else {
            static_assert(
                !stream<F>,
                "pollux: take_until: the second argument is both a future and a stream; wrap the one that is meant");
            constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<F>>;
            static_assert(meet,
                          "pollux: take_until: the error types of the stream and of the future differ; make them one "
                          "with map_err or from_err");
            if constexpr (meet) {
                return detail::take_until_stream<detail::owned<X>, detail::owned<F>>(
                    detail::own(std::forward<X>(source)), detail::own(std::forward<F>(until)));
            }
        }
    }
}

namespace detail {

struct take_until_op {
    template <class X, class F>
    auto operator()(X&& x, F&& until) const {
        return pollux::take_until(std::forward<X>(x), std::forward<F>(until));
    }
};

}  // namespace detail

template <class F>
detail::pipe<detail::take_until_op, detail::owned<F>> take_until(F&& until) {
    return {detail::own(std::forward<F>(until))};
}

}  // namespace pollux::inline v0

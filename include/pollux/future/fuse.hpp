// SPDX-License-Identifier: MIT
// `fuse`: may be polled after the end. It takes streams too: its class for them stands in pollux/stream/fuse.hpp.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class F>
class [[nodiscard]] fuse_future {
public:
    using value_type = value_type_of<F>;
    using error_type = error_type_of<F>;

    explicit fuse_future(F fut) : place_(std::move(fut)) {}

    polled<value_type, error_type> poll(context& cx) {
        if (!place_.is_first()) return pending;
        try {
            auto answer = place_.first().poll(cx);
            if (answer.is_ready()) place_.reset();
            return answer;
        } catch (...) {
            place_.reset();
            throw;
        }
    }

private:
    stages<F, unit> place_;  // there is no second stage: at the end it is gone
};

template <class S>
class fuse_stream;

}  // namespace detail

/// `x`, which may be polled after its end. A future is destroyed when it is ready, or has thrown, and is pending for
/// ever after, which wakes nobody. A stream gives `std::nullopt` for ever after the first; it is kept until the result
/// of `fuse` is destroyed, but not polled any more.
///
/// Throws: what `x` throws. An exception does not end a stream.
/// Cancel: dropping it destroys `x`; it holds no item of a stream.
template <class X>
auto fuse(X&& x) {
    static_assert(future<X> || stream<X>,
                  "pollux: fuse: the argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: fuse: the argument is both a future and a stream; wrap the one that is meant");
    if constexpr (stream<X>) {
        return detail::fuse_stream<detail::owned<X>>(detail::own(std::forward<X>(x)));
    } else if constexpr (future<X>) {
        return detail::fuse_future<detail::owned<X>>(detail::own(std::forward<X>(x)));
    } else {
        detail::require_future<X>();
    }
}

namespace detail {

struct fuse_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::fuse(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::fuse_op> fuse() noexcept { return {}; }

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// `boxed_future` and `boxed`: one type for all futures of one value and error. The price is one allocation when it is
// made and an indirect call at each poll; the gain is a type that can be named, stored and moved at any time. `boxed`
// takes streams too: their class stands in pollux/stream/boxed.hpp.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T, class E>
struct future_box {
    future_box() = default;
    future_box(const future_box&) = delete;
    future_box& operator=(const future_box&) = delete;
    virtual ~future_box() = default;
    virtual polled<T, E> poll(context& cx) = 0;
};

template <class F, class T, class E>
struct future_box_of final : future_box<T, E> {
    template <class X>
    explicit future_box_of(X&& x) : fut(detail::own(std::forward<X>(x))) {}
    polled<T, E> poll(context& cx) override { return fut.poll(cx); }

    F fut;
};

/// What fits a box of `T` and `E`: the same types, or `never` in their place.
template <class X, class T, class E>
concept fits_box = (std::is_same_v<value_type_of<X>, T> || std::is_same_v<value_type_of<X>, never>) &&
                   (std::is_same_v<error_type_of<X>, E> || std::is_same_v<error_type_of<X>, never>);

}  // namespace detail

/// A future of `T` and `E`, whatever its type was. Made implicitly from every future of that value and that error, or
/// `never`. It may be moved at any time; moved from, it can only be destroyed and assigned to.
///
/// Threads: those of the future inside. Cancel: destroying it destroys the future inside.
/// Cost: one allocation when it is made; one indirect call a poll.
template <class T = void, class E = never>
class [[nodiscard]] boxed_future {
public:
    using value_type = T;
    using error_type = E;

    template <class X>
        requires(!std::is_same_v<std::remove_cvref_t<X>, boxed_future> && future<X> && detail::fits_box<X, T, E>)
    boxed_future(X&& x) : box_(std::make_unique<detail::future_box_of<detail::owned<X>, T, E>>(std::forward<X>(x))) {
        static_assert(!stream<X>,
                      "pollux: boxed_future: the argument is both a future and a stream; wrap the one that is meant");
    }

    polled<T, E> poll(context& cx) {
        detail::debug_check(box_ != nullptr,
                            "pollux: boxed_future: polled after it was moved from; poll the one it went to");
        return box_->poll(cx);
    }

private:
    std::unique_ptr<detail::future_box<T, E>> box_;
};

template <class T, class E>
class boxed_stream;

/// `x` as a `boxed_future`, or a `boxed_stream`, of its value and error.
template <class X>
auto boxed(X&& x) {
    static_assert(future<X> || stream<X>,
                  "pollux: boxed: the argument is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!(future<X> && stream<X>),
                  "pollux: boxed: the argument is both a future and a stream; wrap the one that is meant");
    if constexpr (stream<X>) {
        return boxed_stream<detail::value_type_of<X>, detail::error_type_of<X>>(std::forward<X>(x));
    } else if constexpr (future<X>) {
        return boxed_future<detail::value_type_of<X>, detail::error_type_of<X>>(std::forward<X>(x));
    } else {
        detail::require_future<X>();
    }
}

namespace detail {

struct boxed_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::boxed(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::boxed_op> boxed() noexcept { return {}; }

}  // namespace pollux::inline v0

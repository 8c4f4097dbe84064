// SPDX-License-Identifier: MIT
// `by_ref`: lends a future, a stream or a sink to a combinator and leaves it where it is. A pointer; what it points
// to is not destroyed with it, and must outlive it.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"

namespace pollux::inline v0 {

namespace detail {

// The member types of what is lent, as far as it has them: a pair of halves is a stream and a sink.
template <class X>
struct lent_value {};
template <has_value_type X>
struct lent_value<X> {
    using value_type = typename X::value_type;
};
template <class X>
struct lent_item {};
template <class X>
    requires requires { typename X::item_type; }
struct lent_item<X> {
    using item_type = typename X::item_type;
};

template <class X>
class [[nodiscard]] lent : public lent_value<X>, public lent_item<X> {
public:
    using error_type = typename X::error_type;

    constexpr explicit lent(X& x) noexcept : x_(std::addressof(x)) {}

    constexpr auto poll(context& cx)
        requires future<X>
    {
        return x_->poll(cx);
    }
    constexpr auto poll_next(context& cx)
        requires stream<X>
    {
        return x_->poll_next(cx);
    }
    constexpr auto poll_ready(context& cx)
        requires sink<X>
    {
        return x_->poll_ready(cx);
    }
    template <class T>
        requires sink<X, T>
    constexpr auto start_send(T&& item) {
        return x_->start_send(std::forward<T>(item));
    }
    constexpr auto poll_flush(context& cx)
        requires sink<X>
    {
        return x_->poll_flush(cx);
    }
    constexpr auto poll_close(context& cx)
        requires sink<X>
    {
        return x_->poll_close(cx);
    }

private:
    X* x_;
};

}  // namespace detail

/// A future, stream or sink that polls `x` where it is. `x` outlives it, lives on after it, and is not moved meanwhile.
///
/// Cancel: dropping it leaves `x` as it is; it can be polled on, or lent again.
template <class X>
auto by_ref(X& x) {
    static_assert(future<X> || stream<X> || sink<X>,
                  "pollux: by_ref: the argument is not a future, a stream or a sink");
    static_assert(!(future<X> && stream<X>),
                  "pollux: by_ref: the argument is both a future and a stream; wrap the one that is meant");
    static_assert(!std::is_const_v<X>, "pollux: by_ref: the argument is const; polling changes it");
    if constexpr ((future<X> || stream<X> || sink<X>) && !std::is_const_v<X>) return detail::lent<X>(x);
}

template <class X>
void by_ref(const X&&) = delete;  // a temporary is gone before the first poll: pass it by value

}  // namespace pollux::inline v0

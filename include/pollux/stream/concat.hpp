// SPDX-License-Identifier: MIT
// `concat`: the items of a stream, which are strings or containers themselves, as one of them.
#pragma once

#include <concepts>
#include <iterator>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/consume.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class C>
concept joins_by_append = requires(C& c, C& other) { c.append(std::move(other)); };
template <class C>
concept joins_at_end =
    requires(C& c) { c.insert(c.end(), std::make_move_iterator(c.begin()), std::make_move_iterator(c.end())); };
template <class C>
concept joins_by_insert =
    requires(C& c) { c.insert(std::make_move_iterator(c.begin()), std::make_move_iterator(c.end())); };
template <class C>
concept joinable = std::is_default_constructible_v<C> && std::is_move_assignable_v<C> && requires(const C& c) {
    { c.empty() } -> std::convertible_to<bool>;
} && (joins_by_append<C> || joins_at_end<C> || joins_by_insert<C>);

template <class C>
class concat_reader {
public:
    using value_type = C;
    using step = void;

    void read(C& item) {
        if (joined_.empty()) {
            joined_ = std::move(item);
        } else if constexpr (joins_by_append<C>) {
            joined_.append(std::move(item));
        } else if constexpr (joins_at_end<C>) {
            joined_.insert(joined_.end(), std::make_move_iterator(item.begin()), std::make_move_iterator(item.end()));
        } else {
            joined_.insert(std::make_move_iterator(item.begin()), std::make_move_iterator(item.end()));
        }
    }
    bool is_done() const noexcept { return false; }
    C finish() { return std::move(joined_); }
    void drop() { [[maybe_unused]] const C dropped = std::move(joined_); }
    static constexpr const char* polled_again() noexcept {
        return "pollux: concat: polled after it was ready or threw; destroy a future at its end";
    }

private:
    C joined_{};
};

}  // namespace detail

/// The items of the stream, strings or containers, one after the other in one of their type; an empty one if there are
/// none. At the first error that is the result, and what was joined is destroyed.
///
/// Cancel: what was joined so far is destroyed.
/// Cost: the first item is kept, the others are moved to its end, which grows as its type does; one unit of the poll's
/// budget for each item, so that a stream that is always ready yields.
template <detail::nearly_stream X>
auto concat(X&& x) {
    static_assert(
        stream<X>,
        "pollux: concat: the argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using item = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: concat: the argument is both a future and a stream; wrap the one that is meant");
        static_assert(
            detail::joinable<item>,
            "pollux: concat: the items of the stream cannot be joined; they need empty(), and append(item) or "
            "insert as strings and containers have it");
        if constexpr (detail::joinable<item>) {
            return detail::consume_future<detail::owned<X>, detail::concat_reader<item>>(
                detail::own(std::forward<X>(x)), {});
        }
    }
}

namespace detail {

struct concat_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::concat(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::concat_op> concat() noexcept { return {}; }

}  // namespace pollux::inline v0

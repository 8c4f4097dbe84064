// SPDX-License-Identifier: MIT
// `for_each`: a function of each item of a stream, one at a time.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/consume.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class R>
inline constexpr bool gives_nothing = std::is_void_v<R> || std::is_same_v<R, unit> || std::is_same_v<R, never>;

template <class R>
constexpr bool for_each_fits() {
    if constexpr (is_future_or_expected<R>) {
        return gives_nothing<value_type_of<typename future_for<R>::type>>;
    } else {
        return gives_nothing<std::remove_cvref_t<R>>;
    }
}

template <class Fn, class T>
class for_each_reader {
public:
    using value_type = void;
    using step = typename step_for<call_result<Fn, T>>::type;

    explicit for_each_reader(Fn&& fn) : fn_(std::move(fn)) {}

    decltype(auto) read(T& item) { return detail::call(fn_, std::move(item)); }
    bool took(unit&) const noexcept { return false; }
    bool is_done() const noexcept { return false; }
    void drop() const noexcept {}
    static constexpr const char* polled_again() noexcept {
        return "pollux: for_each: polled after it was ready or threw; destroy a future at its end";
    }

private:
    [[no_unique_address]] Fn fn_;
};

}  // namespace detail

/// Calls `fn` with each item, moved in. It returns nothing, or a future (or a `std::expected`) of `void`, which is
/// awaited before the next item is taken. Ready at the end of the stream, or with the first error of the stream or of a
/// future.
///
/// Throws: what `fn` throws, out of the poll.
/// Threads: `fn` runs in the poll, and is destroyed with the result of `for_each`, after the future that it returned.
/// Cancel: drops the future of the item in hand; the rest of the stream is destroyed, or stays where it was lent from.
/// Cost: no allocation; one unit of the poll's budget for each item, so that a stream that is always ready yields.
template <class X, class Fn>
auto for_each(X&& x, Fn fn) {
    static_assert(stream<X>,
                  "pollux: for_each: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using item = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: for_each: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(detail::callable_with<Fn, item>,
                      "pollux: for_each: the callable does not take an item; it is called with it as an rvalue");
        if constexpr (detail::callable_with<Fn, item>) {
            using returned = detail::call_result<Fn, item>;
            static_assert(detail::for_each_fits<returned>(),
                          "pollux: for_each: the callable returns a value, which would be lost; return nothing, or a "
                          "future of void");
            if constexpr (detail::for_each_fits<returned>()) {
                using reader = detail::for_each_reader<Fn, item>;
                constexpr bool meet = detail::can_meet<detail::error_type_of<X>,
                                                       typename detail::step_error<typename reader::step>::type>;
                static_assert(meet,
                              "pollux: for_each: the error types of the stream and of the callable's future differ; "
                              "make them one with map_err or from_err");
                if constexpr (meet) {
                    return detail::consume_future<detail::owned<X>, reader>(detail::own(std::forward<X>(x)),
                                                                            reader(std::move(fn)));
                }
            }
        }
    }
}

namespace detail {

struct for_each_op {
    template <class X, class Fn>
    auto operator()(X&& x, Fn&& fn) const {
        return pollux::for_each(std::forward<X>(x), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::for_each_op, Fn> for_each(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0

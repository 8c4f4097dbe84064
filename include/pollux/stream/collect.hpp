// SPDX-License-Identifier: MIT
// `collect`: the items of a stream in a container.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/stream/detail/consume.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class C, class T>
concept collects_at_end = requires(C& c, T (*item)()) { c.push_back(item()); };
template <class C, class T>
concept collects_by_insert = requires(C& c, T (*item)()) { c.insert(c.end(), item()); };
template <class C, class T>
inline constexpr bool collects =
    std::is_default_constructible_v<C> && (collects_at_end<C, T> || collects_by_insert<C, T>);

template <class C, class T>
class collect_reader {
public:
    using value_type = C;
    using step = void;

    void read(T& item) {
        if constexpr (collects_at_end<C, T>) {
            items_.push_back(std::move(item));
        } else {
            items_.insert(items_.end(), std::move(item));
        }
    }
    bool is_done() const noexcept { return false; }
    C finish() { return std::move(items_); }
    void drop() { [[maybe_unused]] const C dropped = std::move(items_); }
    static constexpr const char* polled_again() noexcept {
        return "pollux: collect: polled after it was ready or threw; destroy a future at its end";
    }

private:
    C items_{};
};

// void stands for std::vector of the items.
template <class C, class T>
struct collected {
    using type = C;
};
template <class T>
struct collected<void, T> {
    using type = std::vector<T>;
};

}  // namespace detail

/// All items of the stream, in order, in a `std::vector`, or in the container `C`: one with `push_back`, or with
/// `insert(end(), item)` as sets and maps have it. At the first error that is the result, and the items are destroyed.
///
/// Cancel: the items so far are destroyed.
/// Cost: the allocations of the container; one unit of the poll's budget for each item, so that a stream that is always
/// ready yields.
template <class C = void, class X>
auto collect(X&& x) {
    static_assert(
        stream<X>,
        "pollux: collect: the argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using item = detail::value_type_of<X>;
        using container = typename detail::collected<C, item>::type;
        static_assert(!future<X>,
                      "pollux: collect: the argument is both a future and a stream; wrap the one that is meant");
        static_assert(detail::collects<container, item>,
                      "pollux: collect: the container cannot be filled with the items; it needs a constructor without "
                      "arguments, and push_back(item) or insert(end(), item)");
        if constexpr (detail::collects<container, item>) {
            return detail::consume_future<detail::owned<X>, detail::collect_reader<container, item>>(
                detail::own(std::forward<X>(x)), {});
        }
    }
}

namespace detail {

template <class C>
struct collect_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::collect<C>(std::forward<X>(x));
    }
};

}  // namespace detail

template <class C = void>
detail::bare_pipe<detail::collect_op<C>> collect() noexcept {
    return {};
}

}  // namespace pollux::inline v0

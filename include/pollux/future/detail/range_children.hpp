// SPDX-License-Identifier: MIT
// The futures of a range, for what waits for all of them or for the first: how they are taken out of it, and `range_children`, where
// they stand until they are done, of which a wake-up polls the one that was woken.
//
// Elements are moved out of a range that owns them and is a temporary, copied out of an lvalue and out of a view, and taken as
// they come where the iterator makes them. What owns its elements shows them const where it is const; a view does not.
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/child_poll.hpp"
#include "pollux/stream/detail/child_wakers.hpp"

namespace pollux::inline v0::detail {

// As a range `for` finds them: members, or else functions beside the type. A legacy iterator will do, which std::ranges refuses.
namespace ends_of {
template <class R>
concept member_or_array = requires(R& range) {
    std::begin(range);
    std::end(range);
};
template <member_or_array R>
auto first(R& range) {
    return std::begin(range);
}
template <member_or_array R>
auto last(R& range) {
    return std::end(range);
}
template <class R>
    requires(!member_or_array<R>)
auto first(R& range) -> decltype(begin(range)) {
    return begin(range);
}
template <class R>
    requires(!member_or_array<R>)
auto last(R& range) -> decltype(end(range)) {
    return end(range);
}
}  // namespace ends_of

template <class R>
concept iterable = requires(std::remove_reference_t<R>& range) {
    *ends_of::first(range);
    static_cast<bool>(ends_of::first(range) != ends_of::last(range));
};

template <class R>
using range_reference = decltype(*ends_of::first(std::declval<std::remove_reference_t<R>&>()));
template <class R>
using range_element = std::remove_cvref_t<range_reference<R>>;

template <class R>
inline constexpr bool owns_elements = false;
template <class R>
    requires iterable<const R>
inline constexpr bool owns_elements<R> = std::is_same_v<range_reference<R>, range_element<R>&> &&
                                         std::is_same_v<range_reference<const R>, const range_element<R>&>;

/// `R` as a forwarding reference has it: what an element is taken as.
template <class R>
using taken_element = std::conditional_t<!std::is_reference_v<R> && owns_elements<std::remove_reference_t<R>>,
                                         range_element<R>&&, range_reference<R>>;

/// A temporary element is not moved, so it need not be movable.
template <class R>
inline constexpr bool gives_elements =
    !std::is_reference_v<taken_element<R>> || std::is_constructible_v<range_element<R>, taken_element<R>>;

/// `fn(make)` for each element; `make()` gives it.
template <class R, class Fn>
void for_each_element(std::remove_reference_t<R>& range, Fn fn) {
    auto at = ends_of::first(range);
    const auto end = ends_of::last(range);
    for (; at != end; ++at) fn([&at]() -> taken_element<R> { return static_cast<taken_element<R>>(*at); });
}

/// `F` until it is ready, `G` in its place from then on.
template <class F, class G>
class range_children {
    using place = stages<F, G>;

public:
    template <class R>
    range_children(std::in_place_t, R&& range) : range_children() {
        if constexpr (requires { std::size(range); }) {
            fill<R>(static_cast<std::size_t>(std::size(range)), range);
        } else {
            std::vector<F> elements;
            detail::for_each_element<R>(range, [&](auto make) { elements.push_back(F(make())); });
            fill<std::vector<F>>(elements.size(), elements);
        }
    }
    range_children(range_children&& other) noexcept
        : wakers_(std::move(other.wakers_)),
          made_(std::exchange(other.made_, 0)),
          started_(other.started_),
          left_(other.left_) {}
    range_children& operator=(range_children&&) = delete;
    ~range_children() { clear(); }

    /// Polls those that were woken, in the first poll all. `finish(answer)` gives the `G` of one that is ready. Stops when
    /// `is_over()` says so, and when the budget of the poll is spent.
    template <class Finish, class IsOver>
    void poll(context& cx, Finish finish, IsOver is_over) {
        if (!wakers_) return;
        wakers_.begin_poll(cx.waker());
        while (started_ != made_ || wakers_.has_woken()) {
            if (!cx.consume_budget()) return;
            const std::size_t index = started_ != made_ ? started_++ : wakers_.take_woken();
            place& here = at(index);
            if (!here.is_first()) continue;  // a waker that was kept
            const child_poll poll(wakers_, index);
            context child_cx = cx.with_waker(poll.waker());
            auto answer = here.first().poll(child_cx);
            if (answer.is_pending()) continue;
            --left_;
            here.advance([&] { return finish(answer); });
            if (is_over()) return;
        }
    }

    std::size_t left() const noexcept { return left_; }

    /// What `get` makes of each `G`, in the order of the range, when none is left.
    template <class T, class Get>
    std::vector<T> take(Get get) {
        std::vector<T> results;
        results.reserve(made_);
        for (std::size_t i = 0; i != made_; ++i) results.push_back(get(at(i).second()));
        clear();
        return results;
    }
    void clear() noexcept {
        for (std::size_t i = 0; i != made_; ++i) std::destroy_at(std::addressof(at(i)));
        made_ = 0;
        started_ = 0;
        wakers_ = child_wakers();
    }

private:
    range_children() noexcept = default;

    template <class R>
    void fill(std::size_t count, std::remove_reference_t<R>& range) {
        if (count == 0) return;
        wakers_ = child_wakers(count, sizeof(place), alignof(place));
        detail::for_each_element<R>(range, [this](auto make) {
            ::new (wakers_.place(made_)) place(F(make()));
            ++made_;
        });
        left_ = made_;
    }
    place& at(std::size_t index) noexcept { return *std::launder(static_cast<place*>(wakers_.place(index))); }

    child_wakers wakers_;
    std::size_t made_ = 0;
    std::size_t started_ = 0;  // those below it were polled
    std::size_t left_ = 0;
};

}  // namespace pollux::inline v0::detail

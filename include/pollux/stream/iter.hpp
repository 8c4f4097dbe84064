// SPDX-License-Identifier: MIT
// `iter`: the elements of a range as a stream. The one header of the streams that needs <ranges>.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class R>
class [[nodiscard]] iter_stream {
public:
    using value_type = std::ranges::range_value_t<R>;
    using error_type = never;

    explicit iter_stream(R range) : range_(std::move(range)) {}
    // Iterators into a range that has moved may dangle: they are made at the first poll, and a copy makes its own.
    iter_stream(const iter_stream& other)
        requires std::is_copy_constructible_v<R>
        : range_(other.range_) {
        refuse_in_flight(other);
    }
    iter_stream(iter_stream&& other) noexcept(std::is_nothrow_move_constructible_v<R>)
        : range_(std::move(other.range_)) {
        refuse_in_flight(other);
    }
    iter_stream& operator=(const iter_stream&) = delete;
    ~iter_stream() = default;

    polled<std::optional<value_type>> poll_next(context&) {
        using answer = polled<std::optional<value_type>>;
        if (!at_.has_value()) at_.emplace(std::ranges::begin(range_));
        if (*at_ == std::ranges::end(range_)) return answer::ready();
        auto item = [this] {
            if constexpr (std::ranges::view<R>) {
                return answer::ready(std::in_place, **at_);
            } else {
                return answer::ready(std::in_place, std::ranges::iter_move(*at_));
            }
        }();
        ++*at_;
        return item;
    }

private:
    static void refuse_in_flight(const iter_stream& other) noexcept {
        if (other.at_.has_value()) [[unlikely]] {
            fail_check(
                "pollux: iter: moved or copied after its first poll; move it before, or keep it in place with boxed");
        }
    }

    R range_;
    std::optional<std::ranges::iterator_t<R>> at_;
};

// Views that are two iterators, or stand for them: what they refer to can change, but not where it is. Others (ref_view, and what is made
// of it) ask the container for its iterators, which may be others at the first poll.
template <class R>
inline constexpr bool is_pair_of_iterators = false;
template <class T, std::size_t N>
inline constexpr bool is_pair_of_iterators<std::span<T, N>> = true;
template <class C>
inline constexpr bool is_pair_of_iterators<std::basic_string_view<C>> = true;
template <class I, class E>
inline constexpr bool is_pair_of_iterators<std::ranges::iota_view<I, E>> = true;

// Nothing dangles, so there is nothing to be made at the first poll: that question is a fifth of what an item costs.
template <class R>
    requires is_pair_of_iterators<R>
class [[nodiscard]] iter_stream<R> {
public:
    using value_type = std::ranges::range_value_t<R>;
    using error_type = never;

    explicit iter_stream(R range) : at_(std::ranges::begin(range)), end_(std::ranges::end(range)) {}

    polled<std::optional<value_type>> poll_next(context&) {
        using answer = polled<std::optional<value_type>>;
        if (at_ == end_) return answer::ready();
        answer item = answer::ready(std::in_place, *at_);
        ++at_;
        return item;
    }

private:
    std::ranges::iterator_t<R> at_;
    [[no_unique_address]] std::ranges::sentinel_t<R> end_;
};

// What iter does with the elements of a range that it gets as an `R`.
template <class R, class Range = owned<R>>
inline constexpr bool elements_can_be_had =
    std::ranges::view<Range>
        ? std::is_constructible_v<std::ranges::range_value_t<Range>, std::ranges::range_reference_t<Range>>
        : !std::is_lvalue_reference_v<R> || std::is_copy_constructible_v<std::ranges::range_value_t<Range>>;

}  // namespace detail

/// The elements of `range` as a stream that is always ready. Moves them out of a range that it owns (a temporary, or
/// the copy of an lvalue); copies them out of a view, which does not own them and must not outlive what does.
///
/// Throws: what the iterators throw, out of the poll.
/// Cancel: dropping it destroys the elements that it owns; those behind a view stay.
/// Cost: no allocation of its own; nothing of the poll's budget.
template <class R>
auto iter(R&& range) {
    using range_type = detail::owned<R>;
    static_assert(std::ranges::input_range<range_type>,
                  "pollux: iter: the argument is not a range; it needs begin and end");
    if constexpr (std::ranges::input_range<range_type>)
        static_assert(detail::elements_can_be_had<R>,
                      "pollux: iter: the elements of a view, or of an lvalue, are copied, and these cannot be; move "
                      "the range itself in");
    if constexpr (!std::ranges::input_range<range_type> || !detail::elements_can_be_had<R>) {
        return;
    } else if constexpr (std::is_array_v<range_type>) {
        using elements = std::vector<std::remove_extent_t<range_type>>;
        return detail::iter_stream<elements>(elements(std::ranges::begin(range), std::ranges::end(range)));
    } else {
        return detail::iter_stream<range_type>(detail::own(std::forward<R>(range)));
    }
}

/// The elements of a braced list as a stream.
template <class T>
detail::iter_stream<std::vector<T>> iter(std::initializer_list<T> items) {
    return detail::iter_stream<std::vector<T>>(std::vector<T>(items));
}

}  // namespace pollux::inline v0

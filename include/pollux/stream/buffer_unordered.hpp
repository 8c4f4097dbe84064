// SPDX-License-Identifier: MIT
// `buffer_unordered`: up to n futures of a stream of futures at the same time, their results as they finish.
//
// A future stands in a node on the heap, made when there is one to put into it: n may be large and costs nothing then.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/buffered.hpp"
#include "pollux/stream/detail/child_set.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S>
class [[nodiscard]] buffer_unordered_stream {
    using child = value_type_of<S>;
    using child_error = error_type_of<child>;

public:
    using value_type = or_unit<value_type_of<child>>;
    using error_type = met<error_type_of<S>, child_error>;

    buffer_unordered_stream(S source, std::size_t limit) : source_(std::move(source)), limit_(limit) {}
    // Refused before the source is touched: it is the stream that the user moved.
    buffer_unordered_stream(const buffer_unordered_stream& other)
        requires std::is_copy_constructible_v<S>
        : source_((refuse_in_flight(other), other.source_)), limit_(other.limit_) {}
    buffer_unordered_stream(buffer_unordered_stream&& other) noexcept(std::is_nothrow_move_constructible_v<S>)
        : source_((refuse_in_flight(other), std::move(other.source_))), limit_(other.limit_) {}
    buffer_unordered_stream& operator=(const buffer_unordered_stream&) = delete;
    ~buffer_unordered_stream() = default;

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        try {
            return advance(cx);
        } catch (...) {
            children_.clear();
            source_ended_ = true;
            throw;
        }
    }

private:
    polled<std::optional<value_type>, error_type> advance(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        is_started_ = true;
        while (!source_ended_ && children_.size() != limit_) {
            // Spent: the task has been woken, so the source is asked again.
            if (!cx.consume_budget()) break;
            auto item = source_.poll_next(cx);
            if (item.is_pending()) break;
            if (item.has_error()) return pass_error<answer>(item);
            if (!item.value().has_value()) {
                source_ended_ = true;
                break;
            }
            children_.emplace([&]() -> child&& { return *std::move(item.value()); });
        }
        for (auto* each = children_.begin_poll(cx); each != nullptr; each = children_.next_woken(cx)) {
            auto result = poll_in_set(cx, *each, children_.at(*each));
            if (result.is_pending()) continue;
            children_.erase(*each);
            if (result.has_error()) return pass_error<answer>(result);
            return pass_item<answer>(result);
        }
        if (source_ended_ && children_.size() == 0) return answer::ready();
        return pending;
    }

    static void refuse_in_flight(const buffer_unordered_stream& other) noexcept {
        if (other.is_started_) [[unlikely]] {
            fail_check(moved_in_flight);
        }
    }

    S source_;
    children<child> children_;  // below the source, whose closures they may point into: destroyed before it
    std::size_t limit_;
    bool source_ended_ = false;
    bool is_started_ = false;
};

}  // namespace detail

/// Polls up to `n` of the futures that `source` gives at the same time, and gives their results as they finish. An error of
/// `source` is handed on at once, an error of a future as its result; neither ends the stream.
///
/// Throws: std::invalid_argument here if `n` is 0. An exception of `source` or of a future comes out of the poll, after the
/// futures in flight have been destroyed; the stream is at its end then.
/// Cancel: dropping it destroys the futures in flight, then `source`.
/// Cost: an allocation for each future more than there were at a time before, one of its own at the first poll; an event polls
/// only the future that was woken. One unit of the poll's budget for each item of `source`, and for each future polled.
template <class X>
auto buffer_unordered(X&& source, std::size_t n) {
    static_assert(stream<X>,
                  "pollux: buffer_unordered: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using child = detail::value_type_of<X>;
        static_assert(
            !future<X>,
            "pollux: buffer_unordered: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(future<child>,
                      "pollux: buffer_unordered: the items of the stream are not futures; map them to futures first");
        if constexpr (future<child>) {
            constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<child>>;
            static_assert(
                meet,
                "pollux: buffer_unordered: the error types of the stream and of its futures differ; make them "
                "one with map_err or from_err");
            if constexpr (meet) {
                detail::check_buffer_size(n, "pollux: buffer_unordered: n is 0, so nothing could run; give at least 1");
                return detail::buffer_unordered_stream<detail::owned<X>>(detail::own(std::forward<X>(source)), n);
            }
        }
    }
}

namespace detail {

struct buffer_unordered_op {
    template <class X>
    auto operator()(X&& x, std::size_t n) const {
        return pollux::buffer_unordered(std::forward<X>(x), n);
    }
};

}  // namespace detail

/// Throws: std::invalid_argument if `n` is 0.
inline detail::pipe<detail::buffer_unordered_op, std::size_t> buffer_unordered(std::size_t n) {
    detail::check_buffer_size(n, "pollux: buffer_unordered: n is 0, so nothing could run; give at least 1");
    return {n};
}

}  // namespace pollux::inline v0

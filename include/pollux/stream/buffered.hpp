// SPDX-License-Identifier: MIT
// `buffered`: up to n futures of a stream of futures at the same time, their results in the order of the stream.
//
// The futures stand in a ring of n places on the heap, beside their wakers: an event of one child polls that child
// only. They are destroyed before the source, whose closures they may point into.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/check_size.hpp"
#include "pollux/stream/detail/child_groups.hpp"
#include "pollux/stream/detail/child_poll.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S>
class [[nodiscard]] buffered_stream {
    using child = value_type_of<S>;
    using child_value = value_type_of<child>;
    using child_error = error_type_of<child>;
    using child_answer = polled<child_value, child_error>;
    using place = stages<child, child_answer>;

public:
    using value_type = or_unit<child_value>;
    using error_type = met<error_type_of<S>, child_error>;

    buffered_stream(S source, std::size_t limit) : source_(std::move(source)), limit_(limit) {}
    // Refused before the source is touched: it is the stream that the user moved.
    buffered_stream(const buffered_stream& other)
        requires std::is_copy_constructible_v<S>
        : source_((refuse_in_flight(other), other.source_)), limit_(other.limit_) {}
    buffered_stream(buffered_stream&& other) noexcept(std::is_nothrow_move_constructible_v<S>)
        : source_((refuse_in_flight(other), std::move(other.source_))), limit_(other.limit_) {}
    buffered_stream& operator=(const buffered_stream&) = delete;
    ~buffered_stream() { clear(); }

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        try {
            return advance(cx);
        } catch (...) {
            clear();
            source_ended_ = true;
            throw;
        }
    }

private:
    polled<std::optional<value_type>, error_type> advance(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!children_) children_.make(limit_, sizeof(place), alignof(place));
        const bool has_woken = children_.begin_poll(cx.waker());

        // source_ended_ is asked before the loop and not in it: nothing that is called from here changes it.
        if (!source_ended_) {
            while (used_ != limit_) {
                // Spent: the task has been woken, so the source is asked again; what is in flight is still looked after.
                if (!cx.consume_budget()) break;
                auto item = source_.poll_next(cx);
                if (item.is_pending()) break;
                if (item.has_error()) return pass_error<answer>(item);
                if (!item.value().has_value()) {
                    source_ended_ = true;
                    break;
                }
                const std::size_t index = next_;
                auto* const made = ::new (children_.place<place>(index)) place(*std::move(item.value()));
                next_ = after(index);
                ++used_;
                poll_child(cx, index, *made);
            }
        }
        if (has_woken) {
            children_.for_each_woken([&](std::size_t index) {
                // A waker of an earlier child, that somebody has kept, may have woken a place that is free or done now.
                if (place& here = place_at(index); here.is_first()) poll_child(cx, index, here);
            });
        }

        if (used_ == 0) {
            if (source_ended_) return answer::ready();
            return pending;
        }
        place& oldest = place_at(oldest_);
        if (!oldest.is_second()) return pending;
        child_answer result = std::move(oldest.second());
        pop_oldest();
        if (result.has_error()) return pass_error<answer>(result);
        return pass_item<answer>(result);
    }

    void poll_child(context& cx, std::size_t index, place& here) {
        const child_poll poll(children_, index);
        context child_cx = cx.with_waker(poll.waker());
        child_answer result = here.first().poll(child_cx);
        if (result.is_ready()) here.advance([&]() -> child_answer&& { return std::move(result); });
    }

    std::size_t after(std::size_t index) const noexcept {
        if (index + 1 == limit_) [[unlikely]]
            return 0;
        return index + 1;
    }
    place& place_at(std::size_t index) noexcept {
        return *std::launder(static_cast<place*>(children_.place<place>(index)));
    }
    // What was in it is gone, and it stays in its memory, so that a late wake-up finds nothing there. The next replaces it.
    void pop_oldest() noexcept {
        place_at(oldest_).reset();
        oldest_ = after(oldest_);
        --used_;
    }
    void clear() noexcept {
        while (used_ != 0) pop_oldest();
    }
    static void refuse_in_flight(const buffered_stream& other) noexcept {
        if (other.children_) [[unlikely]] {
            fail_check(moved_in_flight);
        }
    }

    S source_;
    child_groups children_;
    std::size_t limit_;
    std::size_t oldest_ = 0;
    std::size_t next_ = 0;  // the place for the next
    std::size_t used_ = 0;  // places from oldest_ on: in flight, or ready and waiting for their turn
    bool source_ended_ = false;
};

}  // namespace detail

/// Polls up to `n` of the futures that `source` gives at the same time, and gives their results in the order of
/// `source`. A result that is ready early keeps its place among the n until its turn. An error of `source` is handed
/// on at once, an error of a future in its turn; neither ends the stream.
///
/// Throws: std::invalid_argument here if `n` is 0. An exception of `source` or of a future comes out of the poll,
/// after the futures in flight have been destroyed; the stream is at its end then.
/// Cancel: dropping it destroys the futures in flight and the results that wait for their turn, then `source`.
/// Cost: one allocation of n places at the first poll, none for an item; an event polls only the future that was
/// woken. One unit of the poll's budget for each item of `source`.
template <class X>
auto buffered(X&& source, std::size_t n) {
    static_assert(stream<X>,
                  "pollux: buffered: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using child = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: buffered: the first argument is both a future and a stream; wrap the one that is meant");
        static_assert(future<child>,
                      "pollux: buffered: the items of the stream are not futures; map them to futures first");
        if constexpr (future<child>) {
            constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<child>>;
            static_assert(
                meet,
                "pollux: buffered: the error types of the stream and of its futures differ; make them one with "
                "map_err or from_err");
            if constexpr (meet) {
                detail::check_buffer_size(n, "pollux: buffered: n is 0, so nothing could run; give at least 1");
                return detail::buffered_stream<detail::owned<X>>(detail::own(std::forward<X>(source)), n);
            }
        }
    }
}

namespace detail {

struct buffered_op {
    template <class X>
    auto operator()(X&& x, std::size_t n) const {
        return pollux::buffered(std::forward<X>(x), n);
    }
};

}  // namespace detail

/// Throws: std::invalid_argument if `n` is 0.
inline detail::pipe<detail::buffered_op, std::size_t> buffered(std::size_t n) {
    detail::check_buffer_size(n, "pollux: buffered: n is 0, so nothing could run; give at least 1");
    return {n};
}

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// `for_each_concurrent`: a function of each item of a stream, whose futures run at the same time, up to n of them.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/stream/detail/child_set.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S, class Fn>
class [[nodiscard]] for_each_concurrent_future {
    using item = value_type_of<S>;
    using child = called_future<Fn, item>;

public:
    using value_type = void;
    using error_type = met<error_type_of<S>, error_type_of<child>>;

    for_each_concurrent_future(S source, std::size_t limit, Fn fn)
        : fn_(std::move(fn)), source_(std::move(source)), limit_(limit) {}
    for_each_concurrent_future(const for_each_concurrent_future& other)
        requires(std::is_copy_constructible_v<S> && std::is_copy_constructible_v<Fn>)
        : fn_((refuse_in_flight(other), other.fn_)), source_(other.source_), limit_(other.limit_) {}
    for_each_concurrent_future(for_each_concurrent_future&& other) noexcept(std::is_nothrow_move_constructible_v<S> &&
                                                                            std::is_nothrow_move_constructible_v<Fn>)
        : fn_((refuse_in_flight(other), std::move(other.fn_))),
          source_(std::move(other.source_)),
          limit_(other.limit_) {}
    for_each_concurrent_future& operator=(const for_each_concurrent_future&) = delete;
    ~for_each_concurrent_future() = default;

    polled<void, error_type> poll(context& cx) {
        debug_check(progress_ != progress::over,
                    "pollux: for_each_concurrent: polled after it was ready or threw; destroy a future at its end");
        return until_over([&] [[gnu::always_inline]] { return clear_at_failure(cx); },
                          [&] { progress_ = progress::over; });
    }

private:
    enum class progress : unsigned char { not_begun, begun, over };  // the last in a debug build

    [[gnu::always_inline]] polled<void, error_type> clear_at_failure(context& cx) {
        try {
            auto answer = advance(cx);
            if (answer.has_error()) children_.clear();
            return answer;
        } catch (...) {
            children_.clear();
            throw;
        }
    }
    polled<void, error_type> advance(context& cx) {
        using answer = polled<void, error_type>;
        progress_ = progress::begun;
        for (bool goes_on = true; goes_on;) {
            goes_on = false;
            // One item at a time: a source that is always ready must not keep the futures from being polled.
            if (!source_ended_ && (limit_ == 0 || children_.size() != limit_) && cx.consume_budget()) {
                auto next = source_.poll_next(cx);
                if (next.has_error()) return pass_error<answer>(next);
                if (next.is_ready()) {
                    goes_on = next.value().has_value();
                    source_ended_ = !goes_on;
                    if (goes_on)
                        children_.emplace([&]() -> child { return detail::call_future<item>(fn_, *next.value()); });
                }
            }
            for (auto* each = children_.begin_poll(cx); each != nullptr; each = children_.next_woken(cx)) {
                auto result = poll_in_set(cx, *each, children_.at(*each));
                if (result.is_pending()) continue;
                children_.erase(*each);
                if (result.has_error()) return pass_error<answer>(result);
                // There is room again; the source was not asked, so it would not wake anybody.
                goes_on = goes_on || !source_ended_;
            }
        }
        if (source_ended_ && children_.size() == 0) return answer::ready();
        return pending;
    }

    static void refuse_in_flight(const for_each_concurrent_future& other) noexcept {
        if (other.progress_ != progress::not_begun) [[unlikely]] {
            fail_check(moved_in_flight);
        }
    }

    [[no_unique_address]] Fn fn_;  // above the futures that may point into it, so destroyed after them
    S source_;
    children<child> children_;
    std::size_t limit_;
    bool source_ended_ = false;
    progress progress_ = progress::not_begun;
};

}  // namespace detail

/// Calls `fn` with each item of `source`, moved in, and polls the futures that it returns at the same time, at most `n` of
/// them; 0 is no limit. The results are dropped; `fn` may also return nothing, or a `std::expected`. A future of void, ready
/// when the stream is at its end and all futures have finished.
///
/// Errors: the first of `source` or of a future, after the futures in flight have been destroyed. Throws: what `fn`, `source` or
/// a future throws, out of the poll, after the same.
/// Threads: `fn` runs in the poll. It is destroyed with the result of `for_each_concurrent`, after the futures that it returned.
/// Cancel: dropping it destroys the futures in flight, then `source`.
/// Cost: an allocation for each future more than there were at a time before, one of its own at the first poll; an event polls
/// only the future that was woken. One unit of the poll's budget for each item of `source`, and for each future polled.
template <class X, class Fn>
auto for_each_concurrent(X&& source, std::size_t n, Fn fn) {
    static_assert(
        stream<X>,
        "pollux: for_each_concurrent: the first argument is not a stream; it needs value_type, error_type and "
        "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        using item = detail::value_type_of<X>;
        static_assert(!future<X>,
                      "pollux: for_each_concurrent: the first argument is both a future and a stream; wrap the one "
                      "that is meant");
        static_assert(
            detail::callable_with<Fn, item>,
            "pollux: for_each_concurrent: the callable does not take the item; it is called with the value_type of "
            "the stream as an rvalue");
        if constexpr (detail::callable_with<Fn, item>) {
            constexpr bool meet =
                detail::can_meet<detail::error_type_of<X>, detail::error_type_of<detail::called_future<Fn, item>>>;
            static_assert(meet,
                          "pollux: for_each_concurrent: the error types of the stream and of the callable's futures "
                          "differ; make them one with map_err or from_err");
            if constexpr (meet)
                return detail::for_each_concurrent_future<detail::owned<X>, Fn>(detail::own(std::forward<X>(source)), n,
                                                                                std::move(fn));
        }
    }
}

namespace detail {

template <class Fn>
struct for_each_concurrent_arguments {
    std::size_t n;
    Fn fn;
};

struct for_each_concurrent_op {
    template <class X, class Fn>
    auto operator()(X&& x, for_each_concurrent_arguments<Fn>&& arguments) const {
        return pollux::for_each_concurrent(std::forward<X>(x), arguments.n, std::move(arguments.fn));
    }
};

}  // namespace detail

template <class Fn>
detail::pipe<detail::for_each_concurrent_op, detail::for_each_concurrent_arguments<Fn>> for_each_concurrent(
    std::size_t n, Fn fn) {
    return {{n, std::move(fn)}};
}

}  // namespace pollux::inline v0

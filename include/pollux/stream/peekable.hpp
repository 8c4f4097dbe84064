// SPDX-License-Identifier: MIT
// `peekable`: a stream whose next item can be looked at before it is taken.
//
// What was seen stays in the stream, the answer of the source as it was: an item, an error, or the end.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/detail/target.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class S>
class [[nodiscard]] peekable_stream {
    using source_answer = polled<std::optional<value_type_of<S>>, error_type_of<S>>;

public:
    using value_type = value_type_of<S>;
    using error_type = error_type_of<S>;

    class [[nodiscard]] peek_future {
    public:
        using value_type = const peekable_stream::value_type*;
        using error_type = peekable_stream::error_type;

        explicit peek_future(peekable_stream& from) noexcept : from_(from) {}

        polled<value_type, error_type> poll(context& cx) {
            debug_check(!from_.is_over(),
                        "pollux: peek: polled after it was ready or threw; poll a future to its end once");
            return until_over([&] [[gnu::always_inline]] { return from_->poll_peek(cx); }, [&] { from_.end(); });
        }

    private:
        target<peekable_stream&> from_;
    };

    explicit peekable_stream(S source) : source_(std::move(source)) {}

    /// The next item where it is, as a future of `const T*`: null at the end. It stays the next item of the stream, and the
    /// pointer is good until the stream is polled again. If an error is next the future fails with a copy of it, and the
    /// error is the next answer of the stream all the same. The stream outlives the future.
    ///
    /// Cancel: dropping it, at any time, loses nothing.
    /// Cost: no allocation; nothing of the poll's budget.
    peek_future peek() & {
        static_assert(std::is_same_v<error_type, never> || std::is_copy_constructible_v<error_type>,
                      "pollux: peek: the error of the stream cannot be copied, so it cannot be shown and kept; make "
                      "another of it with map_err");
        return peek_future(*this);
    }
    peek_future peek() && = delete;  // the future would refer to a stream that is gone

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        if (!seen_.is_alive()) {
            auto answer = source_.poll_next(cx);
            if (is_end(answer)) keep(answer);
            return answer;
        }
        if (is_end(*seen_)) return source_answer::ready();
        source_answer answer = std::move(*seen_);
        seen_.reset();
        return answer;
    }

private:
    polled<const value_type*, error_type> poll_peek(context& cx) {
        using answer = polled<const value_type*, error_type>;
        if (!seen_.is_alive()) {
            auto next = source_.poll_next(cx);
            if (next.is_pending()) return pending;
            keep(next);
        }
        source_answer& seen = *seen_;
        if constexpr (!std::is_same_v<error_type, never>) {
            if (seen.has_error()) return answer::failed(std::as_const(seen.error()));
        }
        return answer::ready(seen.value().has_value() ? std::addressof(*seen.value()) : nullptr);
    }
    void keep(source_answer& answer) {
        seen_.emplace([&]() -> source_answer&& { return std::move(answer); });
    }

    [[no_unique_address]] S source_;
    slot<source_answer> seen_;  // never pending; the end stays
};

}  // namespace detail

/// `source` with a member `peek()`, a future of the next item where it is (`const T*`, null at the end), which stays the
/// next item. Once `source` has ended it is not polled again.
///
/// Cancel: dropping it drops an item that was seen and not taken.
/// Cost: no allocation; a place for one item.
template <class X>
auto peekable(X&& source) {
    static_assert(stream<X>,
                  "pollux: peekable: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: peekable: the first argument is both a future and a stream; wrap the one that is meant");
        return detail::peekable_stream<detail::owned<X>>(detail::own(std::forward<X>(source)));
    }
}

namespace detail {

struct peekable_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::peekable(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::peekable_op> peekable() noexcept { return {}; }

}  // namespace pollux::inline v0

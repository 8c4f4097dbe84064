// SPDX-License-Identifier: MIT
// `chunks` and `ready_chunks`: the items of a stream in vectors. They differ in what they do when the source is pending:
// the first waits until its vector is full, the second hands out what it has.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/check_size.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

enum class chunk_rule : unsigned char { full, what_is_ready };

// Items for which memory is taken before they are there; a guess. A chunk up to this size is one allocation, while an n
// that stands for "no limit" costs what is in the chunk.
inline constexpr std::size_t max_reserved_items = 1024;

template <class S, chunk_rule Rule>
class [[nodiscard]] chunks_stream {
    using item_type = value_type_of<S>;

public:
    using value_type = std::vector<item_type>;
    using error_type = error_type_of<S>;

    chunks_stream(S source, std::size_t n) : source_(std::move(source)), size_(n) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if constexpr (!std::is_same_v<error_type, never>) {
            if (error_.is_alive()) {
                answer failed = answer::failed(std::move(*error_));
                error_.reset();
                return failed;
            }
        }
        while (!is_over_) {
            auto item = source_.poll_next(cx);
            if (item.is_pending()) {
                if (Rule == chunk_rule::what_is_ready && chunk_.is_alive()) return take<answer>();
                return pending;
            }
            if (item.has_error()) {
                if (!chunk_.is_alive()) return pass_error<answer>(item);
                if constexpr (!std::is_same_v<error_type, never>)
                    error_.emplace([&]() -> error_type&& { return std::move(item.error()); });
                return take<answer>();
            }
            if (is_end(item)) {
                is_over_ = true;
                break;
            }
            add(*item.value());
            if ((*chunk_).size() == size_) return take<answer>();
            if (!cx.consume_budget()) {
                // The task has been woken already, so that what is held may go or stay.
                if (Rule == chunk_rule::what_is_ready) return take<answer>();
                return pending;
            }
        }
        if (chunk_.is_alive()) return take<answer>();
        return answer::ready();
    }

private:
    void add(item_type& item) {
        if (!chunk_.is_alive()) {
            chunk_.emplace([this] {
                value_type items;
                items.reserve(size_ < max_reserved_items ? size_ : max_reserved_items);
                return items;
            });
        }
        (*chunk_).push_back(std::move(item));
    }
    template <class Answer>
    Answer take() {
        Answer taken = Answer::ready(std::in_place, std::move(*chunk_));
        chunk_.reset();
        return taken;
    }

    [[no_unique_address]] S source_;
    slot<value_type> chunk_;  // never empty while it is alive
    [[no_unique_address]] std::conditional_t<std::is_same_v<error_type, never>, unit, slot<error_type>> error_;
    std::size_t size_;
    bool is_over_ = false;
};

template <chunk_rule Rule, class X>
auto make_chunks(X&& source, std::size_t n) {
    return chunks_stream<owned<X>, Rule>(detail::own(std::forward<X>(source)), n);
}

inline constexpr const char* chunks_of_nothing = "pollux: chunks: n is 0, so no chunk holds an item; give at least 1";
inline constexpr const char* ready_chunks_of_nothing =
    "pollux: ready_chunks: n is 0, so no chunk holds an item; give at least 1";

}  // namespace detail

/// The items of `source` in vectors of `n`; the last may be shorter. An error of `source` comes after the items before
/// it, in a vector that may be shorter too; it does not end the stream. Once `source` has ended it is not polled again.
///
/// Throws: std::invalid_argument here if `n` is 0. An exception of `source` comes out of the poll, and the items held
/// stay.
/// Cancel: dropping it drops the items of the chunk that is not full.
/// Cost: one allocation a chunk up to 1024 items, more for larger ones; one unit of the poll's budget for each item
/// that does not complete a chunk.
template <class X>
auto chunks(X&& source, std::size_t n) {
    static_assert(
        stream<X>,
        "pollux: chunks: the first argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(!future<X>,
                      "pollux: chunks: the first argument is both a future and a stream; wrap the one that is meant");
        detail::check_buffer_size(n, detail::chunks_of_nothing);
        return detail::make_chunks<detail::chunk_rule::full>(std::forward<X>(source), n);
    }
}

/// The items of `source` in vectors of those that are ready at the same time: at least one, at most `n`. An error of
/// `source` comes after the items before it; it does not end the stream. Once `source` has ended it is not polled again.
///
/// Throws: std::invalid_argument here if `n` is 0. An exception of `source` comes out of the poll, and the items held
/// stay.
/// Cancel: dropping it while it is pending loses nothing.
/// Cost: one allocation a chunk up to 1024 items, more for larger ones; one unit of the poll's budget for each item
/// that does not complete a chunk. When the budget is spent, what is there is handed out.
template <class X>
auto ready_chunks(X&& source, std::size_t n) {
    static_assert(stream<X>,
                  "pollux: ready_chunks: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else {
        static_assert(
            !future<X>,
            "pollux: ready_chunks: the first argument is both a future and a stream; wrap the one that is meant");
        detail::check_buffer_size(n, detail::ready_chunks_of_nothing);
        return detail::make_chunks<detail::chunk_rule::what_is_ready>(std::forward<X>(source), n);
    }
}

namespace detail {

struct chunks_op {
    template <class X>
    auto operator()(X&& x, std::size_t n) const {
        return pollux::chunks(std::forward<X>(x), n);
    }
};
struct ready_chunks_op {
    template <class X>
    auto operator()(X&& x, std::size_t n) const {
        return pollux::ready_chunks(std::forward<X>(x), n);
    }
};

}  // namespace detail

/// Throws: std::invalid_argument if `n` is 0.
inline detail::pipe<detail::chunks_op, std::size_t> chunks(std::size_t n) {
    detail::check_buffer_size(n, detail::chunks_of_nothing);
    return {n};
}

/// Throws: std::invalid_argument if `n` is 0.
inline detail::pipe<detail::ready_chunks_op, std::size_t> ready_chunks(std::size_t n) {
    detail::check_buffer_size(n, detail::ready_chunks_of_nothing);
    return {n};
}

}  // namespace pollux::inline v0

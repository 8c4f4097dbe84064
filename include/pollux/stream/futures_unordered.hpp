// SPDX-License-Identifier: MIT
// `futures_unordered`: any number of futures at the same time, as a stream of their results in the order in which they
// finish. Each stands in a node on the heap, so the set may be moved while they are in flight.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/stream/detail/child_set.hpp"

namespace pollux::inline v0 {

/// Futures of one type that are polled together: a stream of their results, in the order in which they finish. It is at its
/// end when it is empty, and goes on when it is filled again: push() wakes whoever polled it last and waits.
///
/// Errors: each is the result of one future; the stream goes on. Throws: an exception of a future comes out of the poll; that
/// future is out of the set then, and the stream goes on.
/// Threads: used by one at a time. It may be moved at any time, also after a poll.
/// Cancel: dropping a pending `next` loses nothing. Dropping the set destroys the futures in it, in the order of push().
/// Cost: an allocation for each future, one for the set with the first of them or the first poll, none for a poll or a wake-up.
/// A wake-up polls only the future that was woken, however many there are. One unit of the poll's budget for each future polled.
template <class F>
class [[nodiscard]] futures_unordered {
    static_assert(
        future<F>,
        "pollux: futures_unordered: the type is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!stream<F>,
                  "pollux: futures_unordered: the type is both a future and a stream; wrap the one that is meant");
    static_assert(std::is_same_v<F, std::remove_cvref_t<F>>,
                  "pollux: futures_unordered: the type is const or a reference; the set owns its futures");

public:
    using value_type = detail::or_unit<detail::value_type_of<F>>;
    using error_type = detail::error_type_of<F>;

    futures_unordered() noexcept = default;
    futures_unordered(futures_unordered&&) noexcept = default;
    /// Destroys the futures that were in this one.
    futures_unordered& operator=(futures_unordered&&) noexcept = default;
    ~futures_unordered() = default;

    /// Puts a future into the set. It is polled with the next poll of the set, not before.
    ///
    /// Throws: std::bad_alloc, and what moving it throws; the set is as it was then.
    void push(F fut) {
        children_.emplace([&]() -> F&& { return std::move(fut); });
        children_.wake_poller();
    }

    /// Futures whose result was not given yet.
    std::size_t size() const noexcept { return children_.size(); }
    bool empty() const noexcept { return size() == 0; }

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        for (auto* child = children_.begin_poll(cx); child != nullptr; child = children_.next_woken(cx)) {
            auto result = poll(cx, *child);
            if (result.is_pending()) continue;
            if (result.has_error()) return detail::pass_error<answer>(result);
            return detail::pass_item<answer>(result);
        }
        if (empty()) return answer::ready();
        return pending;
    }

    /// For the library: what is left of a set that was polled by other means.
    explicit futures_unordered(detail::children<F> rest) noexcept : children_(std::move(rest)) {}

private:
    polled<detail::value_type_of<F>, error_type> poll(context& cx, detail::set_child& child) {
        try {
            auto result = detail::poll_in_set(cx, child, children_.at(child));
            if (result.is_ready()) {
                children_.gave_result();
                children_.erase(child);
            }
            return result;
        } catch (...) {
            children_.gave_result();
            children_.erase(child);
            throw;
        }
    }

    detail::children<F> children_;
};

}  // namespace pollux::inline v0

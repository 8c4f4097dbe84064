// SPDX-License-Identifier: MIT
// `futures_ordered`: any number of futures at the same time, as a stream of their results in the order in which they were
// pushed. A result that is early waits in its future's place, so nothing can lose its turn, an error neither.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/child_set.hpp"

namespace pollux::inline v0 {

/// Futures of one type that are polled together: a stream of their results, in the order of push(). It is at its end when it
/// is empty, and goes on when it is filled again: push() wakes whoever polled it last and waits.
///
/// Errors: each is the result of one future, in its turn; the stream goes on. Throws: an exception of a future comes out of
/// the poll when it is thrown, not in its turn; that future is out of the set then, and the stream goes on.
/// Threads: used by one at a time. It may be moved at any time, also after a poll.
/// Cancel: dropping a pending `next` loses nothing. Dropping the set destroys the futures and results in it, in the order of
/// push().
/// Cost: as futures_unordered. A future is destroyed when it is ready; its result takes its place.
template <class F>
class [[nodiscard]] futures_ordered {
    static_assert(
        future<F>,
        "pollux: futures_ordered: the type is not a future; it needs value_type, error_type and poll(context&)");
    static_assert(!stream<F>,
                  "pollux: futures_ordered: the type is both a future and a stream; wrap the one that is meant");
    static_assert(std::is_same_v<F, std::remove_cvref_t<F>>,
                  "pollux: futures_ordered: the type is const or a reference; the set owns its futures");

    using child_answer = polled<detail::value_type_of<F>, detail::error_type_of<F>>;
    using place = detail::stages<F, child_answer>;

public:
    using value_type = detail::or_unit<detail::value_type_of<F>>;
    using error_type = detail::error_type_of<F>;

    futures_ordered() noexcept = default;
    futures_ordered(futures_ordered&&) noexcept = default;
    /// Destroys the futures that were in this one.
    futures_ordered& operator=(futures_ordered&&) noexcept = default;
    ~futures_ordered() = default;

    /// Puts a future into the set, behind the others. It is polled with the next poll of the set, not before.
    ///
    /// Throws: std::bad_alloc, and what moving it throws; the set is as it was then.
    void push(F fut) {
        children_.emplace([&] { return place(std::move(fut)); });
        children_.wake_poller();
    }

    /// Futures whose result was not given yet.
    std::size_t size() const noexcept { return children_.size(); }
    bool empty() const noexcept { return size() == 0; }

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        for (auto* child = children_.begin_poll(cx); child != nullptr; child = children_.next_woken(cx))
            poll(cx, *child);
        if (empty()) return answer::ready();
        auto& oldest = *children_.first();
        if (!children_.at(oldest).is_second()) return pending;
        children_.gave_result();
        child_answer result = std::move(children_.at(oldest).second());
        children_.erase(oldest);
        if (result.has_error()) return detail::pass_error<answer>(result);
        return detail::pass_item<answer>(result);
    }

private:
    void poll(context& cx, detail::set_child& child) {
        place& here = children_.at(child);
        if (!here.is_first()) return;  // a waker that was kept has woken it
        try {
            child_answer result = detail::poll_in_set(cx, child, here.first());
            if (result.is_ready()) here.advance([&]() -> child_answer&& { return std::move(result); });
        } catch (...) {
            children_.gave_result();
            children_.erase(child);
            throw;
        }
    }

    detail::children<place> children_;
};

}  // namespace pollux::inline v0

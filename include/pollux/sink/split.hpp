// SPDX-License-Identifier: MIT
// `split`: an object that is a stream and a sink, as two halves that two tasks use; `reunite`: back again.
//
// The object stands on the heap with a lock that answers pending instead of blocking (sink/detail/half_lock.hpp). Each
// half takes it for one poll of the object. start_send may not wait, so the sink half takes no lock for it: the item
// stands in the half until the next poll_ready or poll_flush has the lock and the object is ready.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/sink/detail/half_lock.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0 {

namespace detail {

inline constexpr const char* half_moved_from =
    "pollux: split: a half was used after it was moved from or reunited; use the one it went to";

template <class X>
struct split_whole {
    using lock_type = half_lock<waker, std_sync>;

    explicit split_whole(X&& x) : object(std::move(x)) {}

    /// What `poll(object)` answers; pending while the other half is polled.
    template <class Poll>
    auto with_lock(context& cx, Poll poll) -> decltype(poll(std::declval<X&>())) {
        if (!lock.try_lock(cx.waker())) return pending;
        struct unlocking {
            lock_type& lock;
            ~unlocking() { lock.unlock(); }
        };
        const unlocking guard{lock};
        return poll(object);
    }

    X object;
    lock_type lock;
};

template <class X>
class sink_half;
template <class X>
class stream_half;

struct reuniting {
    template <class X>
    static X reunite(sink_half<X>& sink, stream_half<X>& stream) {
        if (sink.whole_ == nullptr || sink.whole_ != stream.whole_) {
            throw std::invalid_argument("pollux: reunite: the halves are not of one pair; give the two of one split");
        }
        const auto whole = std::move(sink.whole_);
        stream.whole_.reset();
        sink.item_.reset();
        return std::move(whole->object);
    }
};

template <class X>
class [[nodiscard]] stream_half {
    using answer = polled<std::optional<value_type_of<X>>, error_type_of<X>>;

public:
    using value_type = value_type_of<X>;
    using error_type = error_type_of<X>;

    explicit stream_half(std::shared_ptr<split_whole<X>> whole) noexcept : whole_(std::move(whole)) {}

    answer poll_next(context& cx) {
        debug_check(whole_ != nullptr, half_moved_from);
        return whole_->with_lock(cx, [&cx](X& object) -> answer { return object.poll_next(cx); });
    }

private:
    friend reuniting;

    std::shared_ptr<split_whole<X>> whole_;
};

template <class X>
class [[nodiscard]] sink_half {
    using answer = polled<void, error_type_of<X>>;

public:
    using item_type = item_type_in<X>;
    using error_type = error_type_of<X>;

    explicit sink_half(std::shared_ptr<split_whole<X>> whole) noexcept : whole_(std::move(whole)) {}
    // The item goes along: a half that was moved from has none.
    sink_half(sink_half&& other) noexcept
        : whole_(std::move(other.whole_)), item_(std::exchange(other.item_, std::nullopt)) {}
    sink_half& operator=(sink_half&& other) noexcept {
        if (this != &other) {
            whole_ = std::move(other.whole_);
            item_.reset();
            if (other.item_.has_value()) item_.emplace(*std::move(other.item_));
            other.item_.reset();
        }
        return *this;
    }
    ~sink_half() = default;

    answer poll_ready(context& cx) {
        debug_check(whole_ != nullptr, half_moved_from);
        if (!item_.has_value()) return answer::ready();
        return whole_->with_lock(cx, [&](X& object) -> answer { return pass_item(object, cx); });
    }
    outcome<void, error_type> start_send(item_type item) {
        item_.emplace(std::move(item));
        return answer::ready().take();
    }
    answer poll_flush(context& cx) {
        debug_check(whole_ != nullptr, half_moved_from);
        return whole_->with_lock(cx, [&](X& object) -> answer {
            answer passed = pass_item(object, cx);
            if (!passed.has_value()) return passed;
            return object.poll_flush(cx);
        });
    }
    answer poll_close(context& cx) {
        debug_check(whole_ != nullptr, half_moved_from);
        return whole_->with_lock(cx, [&](X& object) -> answer {
            answer passed = pass_item(object, cx);
            if (!passed.has_value()) return passed;
            return object.poll_close(cx);
        });
    }

private:
    friend reuniting;

    answer pass_item(X& object, context& cx) {
        if (!item_.has_value()) return answer::ready();
        answer ready = object.poll_ready(cx);
        if (!ready.has_value()) return ready;
        item_type item = *std::move(item_);
        item_.reset();
        return detail::hand_to(object, std::move(item));
    }

    std::shared_ptr<split_whole<X>> whole_;
    std::optional<item_type> item_;  // started, until the object is ready
};

}  // namespace detail

/// The sink and the stream of `x`, an object that is both, as a `std::pair` of two halves, each of which may be moved
/// at any time and used in a task or thread of its own. `x` is polled by one half at a time: the other answers pending
/// and is woken. So `x` keeps one waker for reading and one for writing. It is destroyed with the later half.
///
/// Errors: those of `x`; one of `start_send` comes with the poll after it.
/// Threads: the halves from any two, at the same time.
/// Cancel: an item that was started and not flushed is lost with the sink half.
/// Cost: one allocation; two read-modify-writes a poll.
template <class X>
auto split(X&& x) {
    static_assert(
        stream<X>,
        "pollux: split: the argument is not a stream; it needs value_type, error_type and poll_next(context&)");
    static_assert(sink<X>,
                  "pollux: split: the argument is not a sink; it needs item_type, error_type, poll_ready, start_send, "
                  "poll_flush and poll_close");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else if constexpr (!sink<X>) {
        detail::require_sink<X>();
    } else {
        using object = detail::owned<X>;
        static_assert(!future<X>,
                      "pollux: split: the argument is both a future and a stream; wrap the one that is meant");
        auto whole = std::make_shared<detail::split_whole<object>>(detail::own(std::forward<X>(x)));
        return std::pair<detail::sink_half<object>, detail::stream_half<object>>(detail::sink_half<object>(whole),
                                                                                 detail::stream_half<object>(whole));
    }
}

namespace detail {

struct split_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::split(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::split_op> split() noexcept { return {}; }

/// The object that was split into these two halves, which are empty then. It is moved, so it has to be one that may be
/// moved after it was polled. An item that was started and not flushed is destroyed: flush first.
///
/// Throws: std::invalid_argument if the halves are not of one pair; they are as before then.
template <class X>
X reunite(detail::sink_half<X>&& sink, detail::stream_half<X>&& stream) {
    return detail::reuniting::reunite(sink, stream);
}

}  // namespace pollux::inline v0

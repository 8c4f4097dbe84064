// SPDX-License-Identifier: MIT
// `flush` and `close`: the last two operations of a sink as futures.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/target.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0 {

namespace detail {

// `K` is the sink, or a reference to it.
template <class K>
class [[nodiscard]] flush_future {
public:
    using value_type = void;
    using error_type = error_type_of<K>;

    explicit flush_future(K&& target) : target_(std::forward<K>(target)) {}

    polled<void, error_type> poll(context& cx) {
        debug_check(!target_.is_over(),
                    "pollux: flush: polled after it was ready or threw; destroy a future at its end");
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { target_.end(); });
    }

private:
    [[gnu::always_inline]] polled<void, error_type> advance(context& cx) { return target_->poll_flush(cx); }

    target<K> target_;
};

template <class K>
class [[nodiscard]] close_future {
public:
    using value_type = void;
    using error_type = error_type_of<K>;

    explicit close_future(K&& target) : target_(std::forward<K>(target)) {}

    polled<void, error_type> poll(context& cx) {
        debug_check(!target_.is_over(),
                    "pollux: close: polled after it was ready or threw; destroy a future at its end");
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { target_.end(); });
    }

private:
    [[gnu::always_inline]] polled<void, error_type> advance(context& cx) { return target_->poll_close(cx); }

    target<K> target_;
};

}  // namespace detail

/// Ready when everything that `k` has taken is where it belongs. An lvalue is used where it is and must outlive the
/// future; a temporary is owned.
///
/// Errors: that of the sink. Cancel: what was not flushed yet stays in the sink. Cost: nothing beside the sink.
template <detail::nearly_sink K>
auto flush(K&& k) {
    static_assert(sink<K>,
                  "pollux: flush: the argument is not a sink; it needs item_type, error_type, poll_ready, start_send, "
                  "poll_flush and poll_close");
    static_assert(!std::is_const_v<std::remove_reference_t<K>>,
                  "pollux: flush: the sink is const; flushing changes it");
    if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else if constexpr (!std::is_const_v<std::remove_reference_t<K>>) {
        return detail::flush_future<K>(std::forward<K>(k));
    }
}

/// Flushes `k` and closes it: nothing may be sent after that. An lvalue is used where it is and must outlive the
/// future; a temporary is owned.
///
/// Errors: that of the sink. Cancel: the sink may be closed half way; close it again, or drop it.
/// Cost: nothing beside the sink.
template <detail::nearly_sink K>
auto close(K&& k) {
    static_assert(sink<K>,
                  "pollux: close: the argument is not a sink; it needs item_type, error_type, poll_ready, start_send, "
                  "poll_flush and poll_close");
    static_assert(!std::is_const_v<std::remove_reference_t<K>>, "pollux: close: the sink is const; closing changes it");
    if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else if constexpr (!std::is_const_v<std::remove_reference_t<K>>) {
        return detail::close_future<K>(std::forward<K>(k));
    }
}

namespace detail {

struct flush_op {
    template <class K>
    auto operator()(K&& k) const {
        return pollux::flush(std::forward<K>(k));
    }
};
struct close_op {
    template <class K>
    auto operator()(K&& k) const {
        return pollux::close(std::forward<K>(k));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::flush_op> flush() noexcept { return {}; }

inline detail::bare_pipe<detail::close_op> close() noexcept { return {}; }

}  // namespace pollux::inline v0

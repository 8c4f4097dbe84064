// SPDX-License-Identifier: MIT
// `send`: one item into a sink, as a future.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/target.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0 {

namespace detail {

// `K` is the sink, or a reference to it.
template <class K>
class [[nodiscard]] send_future {
    using item_type = item_type_in<K>;

public:
    using value_type = void;
    using error_type = error_type_of<K>;

    template <class T>
    send_future(K&& target, T&& item)
        : target_(std::forward<K>(target)), item_(std::in_place, static_cast<item_type>(std::forward<T>(item))) {}

    polled<void, error_type> poll(context& cx) {
        debug_check(!target_.is_over(),
                    "pollux: send: polled after it was ready or threw; destroy a future at its end");
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { target_.end(); });
    }

private:
    [[gnu::always_inline]] polled<void, error_type> advance(context& cx) {
        if (item_.has_value()) {
            // A loop over a sink that is always ready goes through here alone, so this is where it yields in the end.
            if (!cx.consume_budget()) return pending;
            auto ready = target_->poll_ready(cx);
            if (!ready.has_value()) return ready;
            item_type item = *std::move(item_);
            item_.reset();
            auto started = detail::hand_to(*target_, std::move(item));
            if (started.has_error()) return started;
        }
        return target_->poll_flush(cx);
    }

    target<K> target_;
    std::optional<item_type> item_;  // until the sink has taken it
};

}  // namespace detail

/// Waits until `k` is ready, gives it `v` as its `item_type`, and flushes it. An lvalue is used where it is and must
/// outlive the future; a temporary is owned.
///
/// Errors: that of the sink; the item is lost then.
/// Cancel: dropped before the sink was ready, the item is destroyed and was never sent. Dropped later, while the sink
/// flushes, it has been sent and stays in the sink.
/// Cost: no allocation; one unit of the poll's budget, so that a loop over a sink that is always ready yields.
template <detail::nearly_sink K, class T>
auto send(K&& k, T&& v) {
    static_assert(sink<K>,
                  "pollux: send: the first argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    static_assert(!std::is_const_v<std::remove_reference_t<K>>, "pollux: send: the sink is const; sending changes it");
    if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else if constexpr (!std::is_const_v<std::remove_reference_t<K>>) {
        constexpr bool fits = std::is_convertible_v<T, detail::item_type_in<K>>;
        static_assert(fits,
                      "pollux: send: the value does not convert to the item_type of the sink; or it is an lvalue "
                      "that cannot be copied: pass std::move(v)");
        if constexpr (fits) return detail::send_future<K>(std::forward<K>(k), std::forward<T>(v));
    }
}

namespace detail {

struct send_op {
    template <class K, class T>
    auto operator()(K&& k, T&& v) const {
        return pollux::send(std::forward<K>(k), std::forward<T>(v));
    }
};

}  // namespace detail

template <class T>
detail::pipe<detail::send_op, T> send(T v) {
    return {std::move(v)};
}

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// The loop behind `send_all` and `forward`: the items of a stream into a sink.
//
// The stream is asked before the sink is: a sink that is ready may hold a place for us that others wait for, and would
// hold it for as long as the stream has nothing. So at most one item stands here, taken and not yet sent.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0::detail {

enum class at_end { flush, close };

// `K` and `S` are the sink and the stream, or references to them.
template <class K, class S, at_end last>
class [[nodiscard]] transfer_future {
    using item_type = item_type_in<K>;

public:
    using value_type = void;
    using error_type = met<error_type_of<S>, error_type_of<K>>;

    transfer_future(K&& target, S&& source) : target_(std::forward<K>(target)), source_(std::forward<S>(source)) {}

    polled<void, error_type> poll(context& cx) {
        debug_check(step_ != step::is_over, polled_again());
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { step_ = step::is_over; });
    }

private:
    enum class step : unsigned char { moves_items, ends_sink, is_over };

    [[gnu::always_inline]] polled<void, error_type> advance(context& cx) {
        while (step_ == step::moves_items) {
            if (item_.has_value()) {
                auto ready = target_.poll_ready(cx);
                if (!ready.has_value()) return ready;
                item_type item = *std::move(item_);
                item_.reset();
                auto started = detail::hand_to(target_, std::move(item));
                if (started.has_error()) return started;
            }
            if (!cx.consume_budget()) return pending;
            auto next = source_.poll_next(cx);
            if (next.is_pending()) {
                // So that no item lingers in the sink while the stream has nothing more.
                auto flushed = target_.poll_flush(cx);
                if (flushed.has_error()) return flushed;
                return pending;
            }
            if (next.has_error()) return pass_error<polled<void, error_type>>(next);
            if (next.value().has_value()) {
                item_.emplace(static_cast<item_type>(*std::move(next.value())));
            } else {
                step_ = step::ends_sink;
            }
        }
        if constexpr (last == at_end::close) {
            return target_.poll_close(cx);
        } else {
            return target_.poll_flush(cx);
        }
    }
    static constexpr const char* polled_again() noexcept {
        return last == at_end::close
                   ? "pollux: forward: polled after it was ready or threw; destroy a future at its end"
                   : "pollux: send_all: polled after it was ready or threw; destroy a future at its end";
    }

    K target_;
    S source_;
    std::optional<item_type> item_;  // until the sink is ready
    step step_ = step::moves_items;
};

}  // namespace pollux::inline v0::detail

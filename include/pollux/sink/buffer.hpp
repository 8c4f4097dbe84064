// SPDX-License-Identifier: MIT
// `buffer`: places for items in front of a sink that is not ready.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class K>
class [[nodiscard]] buffer_sink {
public:
    using item_type = item_type_in<K>;
    using error_type = error_type_of<K>;

private:
    using answer = polled<void, error_type>;

public:
    buffer_sink(K target, std::size_t limit) : target_(std::move(target)), limit_(limit) {}

    answer poll_ready(context& cx) {
        if (limit_ == 0) return target_.poll_ready(cx);
        answer drained = drain(cx);
        if (drained.has_error()) return drained;
        if (used_ == limit_) return pending;
        return answer::ready();
    }
    outcome<void, error_type> start_send(item_type item) {
        if (limit_ == 0) return target_.start_send(std::move(item));
        if (places_ == nullptr) places_ = std::make_unique<std::optional<item_type>[]>(limit_);
        const std::size_t to_end = limit_ - oldest_;
        places_[used_ < to_end ? oldest_ + used_ : used_ - to_end].emplace(std::move(item));
        ++used_;
        return answer::ready().take();
    }
    answer poll_flush(context& cx) {
        answer drained = drain(cx);
        if (!drained.has_value()) return drained;
        return target_.poll_flush(cx);
    }
    answer poll_close(context& cx) {
        answer drained = drain(cx);
        if (!drained.has_value()) return drained;
        return target_.poll_close(cx);
    }

private:
    answer drain(context& cx) {
        while (used_ != 0) {
            answer ready = target_.poll_ready(cx);
            if (!ready.has_value()) return ready;
            item_type item = *std::move(places_[oldest_]);
            places_[oldest_].reset();
            oldest_ = oldest_ + 1 == limit_ ? 0 : oldest_ + 1;
            --used_;
            answer started = detail::hand_to(target_, std::move(item));
            if (started.has_error()) return started;
            if (used_ != 0 && !cx.consume_budget()) return pending;
        }
        return answer::ready();
    }

    K target_;
    std::unique_ptr<std::optional<item_type>[]> places_;  // a ring, made for the first item
    std::size_t limit_;
    std::size_t oldest_ = 0;
    std::size_t used_ = 0;
};

}  // namespace detail

/// A sink that takes up to `n` items more than `k` is ready for, and hands them on in order whenever it is polled. With
/// `n` = 0 it is `k`.
///
/// Errors: that of `k`; the item that `k` refused is lost, those behind it stay.
/// Cancel: destroying it destroys the items in it: flush or close it first.
/// Cost: one allocation of `n` places at the first item; one unit of the poll's budget for each further item that one
/// poll hands on.
template <class K>
auto buffer(K&& k, std::size_t n) {
    static_assert(sink<K>,
                  "pollux: buffer: the first argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else {
        return detail::buffer_sink<detail::owned<K>>(detail::own(std::forward<K>(k)), n);
    }
}

namespace detail {

struct buffer_op {
    template <class K>
    auto operator()(K&& k, std::size_t n) const {
        return pollux::buffer(std::forward<K>(k), n);
    }
};

}  // namespace detail

inline detail::pipe<detail::buffer_op, std::size_t> buffer(std::size_t n) noexcept { return {n}; }

}  // namespace pollux::inline v0

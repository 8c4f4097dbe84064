// SPDX-License-Identifier: MIT
// `with`: a function in front of a sink, which makes a sink of other items.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/sink/detail/hand_to.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

// With a function that returns plain items.
template <class K, class In, class Fn>
class [[nodiscard]] with_sink {
public:
    using item_type = In;
    using error_type = error_type_of<K>;

    with_sink(K target, Fn fn) : fn_(std::move(fn)), target_(std::move(target)) {}

    polled<void, error_type> poll_ready(context& cx) { return target_.poll_ready(cx); }
    outcome<void, error_type> start_send(In item) {
        return target_.start_send(static_cast<item_type_in<K>>(detail::call(fn_, std::move(item))));
    }
    polled<void, error_type> poll_flush(context& cx) { return target_.poll_flush(cx); }
    polled<void, error_type> poll_close(context& cx) { return target_.poll_close(cx); }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] K target_;
};

// With a function that returns futures: one of them, or the item that it gave, stands in front of the sink.
template <class K, class In, class Fn>
class [[nodiscard]] with_future_sink {
    using step = called_future<Fn, In>;

public:
    using item_type = In;
    using error_type = met<error_type_of<K>, error_type_of<step>>;

private:
    using answer = polled<void, error_type>;

public:
    with_future_sink(K target, Fn fn) : fn_(std::move(fn)), target_(std::move(target)) {}

    answer poll_ready(context& cx) {
        answer drained = drain(cx);
        if (!drained.has_value()) return drained;
        return target_.poll_ready(cx);
    }
    outcome<void, error_type> start_send(In item) {
        step_.emplace([&]() -> step { return detail::call_future<In>(fn_, item); });
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
        if (step_.is_alive()) {
            auto made = poll_to_end(step_, cx);
            if (made.is_pending()) return pending;
            if (made.has_error()) return pass_error<answer>(made);
            if constexpr (!std::is_same_v<value_type_of<step>, never>) {
                made_.emplace(static_cast<item_type_in<K>>(std::move(made.value())));
            }
        }
        if (made_.has_value()) {
            auto ready = target_.poll_ready(cx);
            if (!ready.has_value()) return ready;
            item_type_in<K> item = *std::move(made_);
            made_.reset();
            return detail::hand_to(target_, std::move(item));
        }
        return answer::ready();
    }

    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    [[no_unique_address]] K target_;
    std::optional<item_type_in<K>> made_;
    slot<step> step_;
};

template <class Fn, class In, class Item>
constexpr bool makes_items() {
    using returned = call_result<Fn, In>;
    if constexpr (is_future_or_expected<returned>) {
        using value = value_type_of<typename future_for<returned>::type>;
        return std::is_same_v<value, never> || std::is_convertible_v<value, Item>;
    } else {
        return std::is_convertible_v<returned, Item>;
    }
}

}  // namespace detail

/// A sink of `In` in front of `k`: `fn(In)`, the item moved in, returns an item for `k`, or a future (or a
/// `std::expected`) of one. One such future is in flight at a time: the sink is ready for the next item when `k` has
/// taken the last. An error of a future comes out of the poll that saw it; its item is gone, and the sink goes on.
///
/// Throws: what `fn` throws, out of start_send; what its future throws, out of the poll that saw it. The item is lost then, and the
/// sink goes on.
/// Threads: `fn` runs there. It is destroyed with the result of `with`, after the future that it returned.
/// Cancel: destroying it destroys the future in flight, or the item that `k` was not ready for: flush or close it first.
/// Cost: no allocation.
template <class In, class K, class Fn>
auto with(K&& k, Fn fn) {
    static_assert(sink<K>,
                  "pollux: with: the first argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    static_assert(std::is_object_v<In>, "pollux: with: the item type is not an object; name one, with<In>(k, fn)");
    if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else if constexpr (std::is_object_v<In>) {
        static_assert(detail::callable_with<Fn, In>,
                      "pollux: with: the callable does not take the item; it is called with In as an rvalue");
        if constexpr (detail::callable_with<Fn, In>) {
            constexpr bool fits = detail::makes_items<Fn, In, detail::item_type_in<K>>();
            static_assert(fits, "pollux: with: the callable returns neither an item of the sink nor a future of one");
            if constexpr (fits) {
                if constexpr (!detail::is_future_or_expected<detail::call_result<Fn, In>>) {
                    return detail::with_sink<detail::owned<K>, In, Fn>(detail::own(std::forward<K>(k)), std::move(fn));
                } else {
                    constexpr bool meet = detail::can_meet<detail::error_type_of<K>,
                                                           detail::error_type_of<detail::called_future<Fn, In>>>;
                    static_assert(meet,
                                  "pollux: with: the error types of the sink and of the callable's future differ; make "
                                  "them one with sink_map_err or map_err");
                    if constexpr (meet) {
                        return detail::with_future_sink<detail::owned<K>, In, Fn>(detail::own(std::forward<K>(k)),
                                                                                  std::move(fn));
                    }
                }
            }
        }
    }
}

namespace detail {

template <class In>
struct with_op {
    template <class K, class Fn>
    auto operator()(K&& k, Fn&& fn) const {
        return pollux::with<In>(std::forward<K>(k), std::forward<Fn>(fn));
    }
};

}  // namespace detail

template <class In, class Fn>
detail::pipe<detail::with_op<In>, Fn> with(Fn fn) {
    return {std::move(fn)};
}

}  // namespace pollux::inline v0

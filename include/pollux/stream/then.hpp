// SPDX-License-Identifier: MIT
// `then` of a stream: each item, or error, goes on into a future. The public function stands in
// pollux/future/then.hpp, for futures and streams.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/then.hpp"
#include "pollux/stream/detail/step.hpp"

namespace pollux::inline v0::detail {

template <class S, class Fn>
class [[nodiscard]] then_stream {
    using step = called_future<Fn, outcome_of<S>>;

public:
    using value_type = or_unit<value_type_of<step>>;
    using error_type = error_type_of<step>;

    then_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!step_.is_alive()) {
            auto item = source_.poll_next(cx);
            if (item.is_pending()) return pending;
            if (!item.has_error() && !item.value().has_value()) return answer::ready();
            step_.emplace([&]() -> step {
                if constexpr (std::is_same_v<error_type_of<S>, never>) {
                    return detail::call_future<outcome_of<S>>(fn_, *item.value());
                } else {
                    auto result = outcome_in(item);
                    return detail::call_future<outcome_of<S>>(fn_, result);
                }
            });
        }
        return poll_step<answer>(step_, cx);
    }

private:
    static outcome_of<S> outcome_in(polled<std::optional<value_type_of<S>>, error_type_of<S>>& item) {
        if (item.has_error()) return outcome_of<S>(std::unexpect, std::move(item.error()));
        return outcome_of<S>(std::in_place, *std::move(item.value()));
    }

    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] S source_;
    slot<step> step_;  // below what it may point into, so destroyed before it
};

}  // namespace pollux::inline v0::detail

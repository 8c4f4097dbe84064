// SPDX-License-Identifier: MIT
// `or_else` of a stream: each error goes on into a future. The public function stands in pollux/future/or_else.hpp, for
// futures and streams.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/or_else.hpp"
#include "pollux/stream/detail/step.hpp"

namespace pollux::inline v0::detail {

template <class S, class Fn>
class [[nodiscard]] or_else_stream {
    using step = called_future<Fn, error_type_of<S>>;

public:
    using value_type = met<value_type_of<S>, or_unit<value_type_of<step>>>;
    using error_type = error_type_of<step>;

    or_else_stream(S source, Fn fn) : fn_(std::move(fn)), source_(std::move(source)) {}

    polled<std::optional<value_type>, error_type> poll_next(context& cx) {
        using answer = polled<std::optional<value_type>, error_type>;
        if (!step_.is_alive()) {
            auto item = source_.poll_next(cx);
            if (item.is_pending()) return pending;
            if (!item.has_error()) {
                if (!item.value().has_value()) return answer::ready();
                if constexpr (std::is_same_v<value_type_of<S>, never>) {
                    std::unreachable();
                } else {
                    return answer::ready(std::in_place, *std::move(item.value()));
                }
            }
            step_.emplace([&]() -> step { return detail::call_future<error_type_of<S>>(fn_, item.error()); });
        }
        return poll_step<answer>(step_, cx);
    }

private:
    [[no_unique_address]] Fn fn_;
    [[no_unique_address]] S source_;
    slot<step> step_;  // below what it may point into, so destroyed before it
};

}  // namespace pollux::inline v0::detail

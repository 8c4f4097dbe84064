// SPDX-License-Identifier: MIT
// One step of an adapter that waits for a future before it gives its next item: `and_then`, `or_else` and `then` of
// streams.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0::detail {

/// Polls the future in `step`, which is destroyed when it is ready or throws, and gives its outcome as an item, `unit`
/// for `void`, or as an error.
template <class Answer, class F>
Answer poll_step(slot<F>& step, context& cx) {
    try {
        auto result = (*step).poll(cx);
        if (result.is_pending()) return pending;
        step.reset();
        if (result.has_error()) return pass_error<Answer>(result);
        if constexpr (std::is_same_v<value_type_of<F>, never>) {
            std::unreachable();
        } else {
            return Answer::ready(std::in_place, std::move(result.value()));
        }
    } catch (...) {
        step.reset();
        throw;
    }
}

}  // namespace pollux::inline v0::detail

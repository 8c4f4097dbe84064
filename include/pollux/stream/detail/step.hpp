// SPDX-License-Identifier: MIT
// One step of an adapter that waits for a future before it gives its next item: `and_then`, `or_else` and `then` of
// streams.
#pragma once

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0::detail {

/// Polls the future in `step`, which is destroyed when it is ready or throws, and gives its outcome as an item, `unit`
/// for `void`, or as an error.
template <class Answer, class F>
Answer poll_step(slot<F>& step, context& cx) {
    auto result = poll_to_end(step, cx);
    if (result.is_pending()) return pending;
    if (result.has_error()) return pass_error<Answer>(result);
    return pass_item<Answer>(result);
}

}  // namespace pollux::inline v0::detail

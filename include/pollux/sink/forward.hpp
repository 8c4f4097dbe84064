// SPDX-License-Identifier: MIT
// `forward`: a stream into a sink to its end, and the sink is closed.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/sink/detail/hand_to.hpp"
#include "pollux/sink/detail/transfer.hpp"

namespace pollux::inline v0 {

/// Sends the items of the stream `x` into `k`, each when the sink is ready for it, flushes the sink whenever the stream
/// has none at hand, and closes it at the end. Both are owned: lend one with `by_ref`.
///
/// Errors: the first of the stream or of the sink. The sink is not closed then: what was sent before is in it, perhaps not
/// flushed.
/// Cancel: an item that the stream has given and the sink was not ready for is lost; never more than one.
/// Cost: no allocation; one unit of the poll's budget for each item, so that it yields if both are always ready.
template <class X, detail::nearly_sink K>
auto forward(X&& x, K&& k) {
    static_assert(stream<X>,
                  "pollux: forward: the first argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    static_assert(sink<K>,
                  "pollux: forward: the second argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    if constexpr (!stream<X>) {
        detail::require_stream<X>();
    } else if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else {
        static_assert(!future<X>,
                      "pollux: forward: the first argument is both a future and a stream; wrap the one that is meant");
        constexpr bool fits = std::is_convertible_v<detail::value_type_of<X>, detail::item_type_in<K>>;
        static_assert(fits, "pollux: forward: the items of the stream do not convert to the item_type of the sink");
        constexpr bool meet = detail::can_meet<detail::error_type_of<X>, detail::error_type_of<K>>;
        static_assert(meet,
                      "pollux: forward: the error types of the stream and of the sink differ; make them one with "
                      "map_err, from_err or sink_map_err");
        if constexpr (fits && meet) {
            return detail::transfer_future<detail::owned<K>, detail::owned<X>, detail::at_end::close>(
                detail::own(std::forward<K>(k)), detail::own(std::forward<X>(x)));
        }
    }
}

namespace detail {

struct forward_op {
    template <class X, class K>
    auto operator()(X&& x, K&& k) const {
        return pollux::forward(std::forward<X>(x), std::forward<K>(k));
    }
};

}  // namespace detail

template <detail::nearly_sink K>
detail::pipe<detail::forward_op, detail::owned<K>> forward(K&& k) {
    return {detail::own(std::forward<K>(k))};
}

}  // namespace pollux::inline v0

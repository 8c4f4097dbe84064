// SPDX-License-Identifier: MIT
// `send_all`: the items of a stream into a sink that stays open.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/sink/detail/transfer.hpp"

namespace pollux::inline v0 {

/// Sends the items of `source` into `k`, each when the sink is ready for it, and flushes it whenever the stream has none
/// at hand, and at the end; it does not close it. The sink and the stream are both used where they are if they are
/// lvalues, and must outlive the future; temporaries are owned.
///
/// Errors: the first of the stream or of the sink. After one of the stream what was sent before is in the sink, not
/// flushed; after one of the sink the item in hand may be lost. Both can be used on.
/// Cancel: an item that the stream has given and the sink was not ready for is lost; never more than one.
/// Cost: no allocation; one unit of the poll's budget for each item, so that it yields if both are always ready.
template <class K, class S>
auto send_all(K&& k, S&& source) {
    static_assert(sink<K>,
                  "pollux: send_all: the first argument is not a sink; it needs item_type, error_type, poll_ready, "
                  "start_send, poll_flush and poll_close");
    static_assert(stream<S>,
                  "pollux: send_all: the second argument is not a stream; it needs value_type, error_type and "
                  "poll_next(context&)");
    static_assert(!(future<S> && stream<S>),
                  "pollux: send_all: the second argument is both a future and a stream; wrap the one that is meant");
    if constexpr (!sink<K>) {
        detail::require_sink<K>();
    } else if constexpr (!stream<S>) {
        detail::require_stream<S>();
    } else {
        constexpr bool changes =
            !std::is_const_v<std::remove_reference_t<K>> && !std::is_const_v<std::remove_reference_t<S>>;
        static_assert(changes, "pollux: send_all: the sink or the stream is const; sending changes both");
        constexpr bool fits = std::is_convertible_v<detail::value_type_of<S>, detail::item_type_in<K>>;
        static_assert(fits, "pollux: send_all: the items of the stream do not convert to the item_type of the sink");
        constexpr bool meet = detail::can_meet<detail::error_type_of<S>, detail::error_type_of<K>>;
        static_assert(meet,
                      "pollux: send_all: the error types of the stream and of the sink differ; make them one with "
                      "map_err, from_err or sink_map_err");
        if constexpr (changes && fits && meet) {
            return detail::transfer_future<K, S, detail::at_end::flush>(std::forward<K>(k), std::forward<S>(source));
        }
    }
}

namespace detail {

// A pipe moves its argument on; this one is moved, and the stream that it may refer to is not.
template <class S>
struct send_all_args {
    S source;
};

struct send_all_op {
    template <class K, class S>
    auto operator()(K&& k, send_all_args<S>&& args) const {
        return pollux::send_all(std::forward<K>(k), std::forward<S>(args.source));
    }
};

}  // namespace detail

template <class S>
detail::pipe<detail::send_all_op, detail::send_all_args<S>> send_all(S&& source) {
    return {{std::forward<S>(source)}};
}

}  // namespace pollux::inline v0

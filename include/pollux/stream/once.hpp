// SPDX-License-Identifier: MIT
// `once`: a stream of one item. Its class stands in pollux/future/into_stream.hpp, which makes the same of the end of a
// pipe.
#pragma once

#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/into_stream.hpp"

namespace pollux::inline v0 {

/// A stream of the value of `fut` (`unit` for `void`), or of its error, and nothing after it. `fut` is destroyed when
/// it is ready; if its value is a future or a stream, which may point into `fut`, with the stream.
///
/// Throws: what a poll of `fut` throws; the stream is at its end then.
/// Cancel: dropping a pending `next` of it loses nothing; dropping the stream destroys `fut`.
/// Cost: no allocation.
template <class F>
auto once(F&& fut) {
    static_assert(
        future<F>,
        "pollux: once: the argument is not a future; it needs value_type, error_type and poll(context&); wrap "
        "a plain value in ready(v)");
    if constexpr (!future<F>) {
        detail::require_future<F>();
    } else {
        static_assert(!stream<F>,
                      "pollux: once: the argument is both a future and a stream; wrap the one that is meant");
        return detail::once_stream<detail::owned<F>>(detail::own(std::forward<F>(fut)));
    }
}

}  // namespace pollux::inline v0

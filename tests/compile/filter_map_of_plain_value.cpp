// SPDX-License-Identifier: MIT
// The callable of filter_map says whether there is an item.
// expect: pollux: filter_map: the callable returns no std::optional (or a future of one)
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

#include <optional>

void program() {
    auto source = pollux::iter({1}) | pollux::filter_map([](int n) { return std::optional(n); });
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::filter_map([](int n) { return n; });
#endif
}

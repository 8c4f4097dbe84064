// SPDX-License-Identifier: MIT
// The callable of scan takes the state, then the item.
// expect: pollux: scan: the callable does not take the state and the item; it is called with a State& and the
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

#include <optional>

void program() {
    auto source = pollux::iter({1}) | pollux::scan(0, [](int&, int n) { return std::optional(n); });
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::scan(0, [](int n) { return std::optional(n); });
#endif
}

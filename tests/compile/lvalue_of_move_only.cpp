// SPDX-License-Identifier: MIT
// A combinator does not move out of a named future behind the user's back.
// expect: pollux: a combinator takes its subject by value, and this lvalue cannot be copied; pass std::move(x), or by_ref(x) to lend it
#include <memory>
#include <utility>

#include "pollux/future.hpp"

void program() {
    auto named = pollux::ready(std::make_unique<int>(1));
    auto taken = pollux::map(std::move(named), [](auto p) { return *p; });
    static_cast<void>(taken);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::map(named, [](auto p) { return *p; });
#endif
}

// SPDX-License-Identifier: MIT
// The container of collect takes the items.
// expect: pollux: collect: the container cannot be filled with the items; it needs a constructor without arguments, and push_back(item) or insert(end(), item)
#include <set>
#include <string>

#include "pollux/future.hpp"
#include "pollux/stream.hpp"

void program() {
    auto fut = pollux::iter({1}) | pollux::collect<std::set<int>>();
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::collect<std::set<std::string>>();
#endif
}

// SPDX-License-Identifier: MIT
// Futures that cannot be copied are moved out of a temporary range only.
// expect: pollux: join_all: the futures cannot be copied out of this range; pass std::move(range)
#include <utility>
#include <vector>

#include "pollux/future.hpp"

void program() {
    std::vector<pollux::boxed_future<int>> futures;
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::join_all(futures);
#endif
    auto fut = pollux::join_all(std::move(futures));
    static_cast<void>(fut);
}

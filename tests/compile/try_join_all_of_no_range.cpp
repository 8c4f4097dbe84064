// SPDX-License-Identifier: MIT
// try_join_all takes a range.
// expect: pollux: try_join_all: the argument is not a range; it needs begin and end
#include <vector>

#include "pollux/future.hpp"

void program() {
    auto fut = pollux::try_join_all(std::vector{pollux::ready(1)});
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::try_join_all(pollux::ready(1));
#endif
}

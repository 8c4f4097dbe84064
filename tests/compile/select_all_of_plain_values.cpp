// SPDX-License-Identifier: MIT
// The elements of the range of select_all are futures.
// expect: pollux: select_all: the elements of the range are not futures; they need value_type, error_type and poll(context&)
#include <vector>

#include "pollux/future.hpp"

void program() {
    auto fut = pollux::select_all(std::vector{pollux::ready(1)});
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::select_all(std::vector{1});
#endif
}

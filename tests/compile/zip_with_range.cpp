// SPDX-License-Identifier: MIT
// zip takes two streams.
// expect: pollux: zip: the second argument is not a stream; it needs value_type, error_type and poll_next(context&)
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

#include <vector>

void program() {
    auto source = pollux::iter({1}) | pollux::zip(pollux::iter({2}));
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter({1}) | pollux::zip(std::vector{2});
#endif
}

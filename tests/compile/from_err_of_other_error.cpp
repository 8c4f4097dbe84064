// SPDX-License-Identifier: MIT
// from_err converts implicitly; an explicit conversion is written out with map_err.
// expect: pollux: from_err: the error does not convert to the type that is named; use map_err
#include "pollux/future.hpp"

struct explicit_error {
    explicit explicit_error(int) {}
};

void program() {
    auto fut = pollux::fail<int>(1) | pollux::from_err<long>();
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::fail<int>(1) | pollux::from_err<explicit_error>();
#endif
}

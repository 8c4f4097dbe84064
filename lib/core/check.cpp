// SPDX-License-Identifier: MIT
// The end of a program that broke the contract of a future. Called by the checks in the headers, which are compiled into
// the user's code and depend on the user's build; this is always in the library.
#include <cstdio>
#include <cstdlib>

#include "pollux/core/polled.hpp"
#include "pollux/core/task_state.hpp"

namespace pollux::inline v0::detail {

void fail_check(const char* message) noexcept {
    std::fprintf(stderr, "%s\n", message);
    std::abort();
}

void reference_overflow() noexcept {
    fail_check("pollux: waker: more than 2^57 references to one task; some loop copies wakers and keeps them");
}

}  // namespace pollux::inline v0::detail

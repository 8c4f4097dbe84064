// SPDX-License-Identifier: MIT
// Each owner of a shared future gets a copy.
// expect: pollux: shared: the value or the error cannot be copied, and each owner gets a copy; map it to a std::shared_ptr
#include <memory>

#include "pollux/future.hpp"

void program() {
    auto fut = pollux::shared(pollux::ready(std::make_shared<int>(1)));
    static_cast<void>(fut);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::shared(pollux::ready(std::make_unique<int>(1)));
#endif
}

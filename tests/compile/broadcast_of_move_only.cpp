// SPDX-License-Identifier: MIT
// Each receiver of a broadcast gets a copy.
// expect: pollux: broadcast::channel: the value is not a copyable object; each receiver gets a copy, send a std::shared_ptr
#include <memory>

#include "pollux/sync.hpp"

void program() {
    const auto good = pollux::sync::broadcast::channel<std::shared_ptr<int>>(1);
#if defined(MUST_NOT_COMPILE)
    const auto bad = pollux::sync::broadcast::channel<std::unique_ptr<int>>(1);
#endif
}

// SPDX-License-Identifier: MIT
// For futures of sockets that would be ready without waiting: outside a runtime they throw all the same, so that a mistake is found
// where it is made and not when the first of them has to wait.
#pragma once

#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::net::detail {

inline void require_runtime(context& cx) {
    if (cx.runtime() == nullptr && pollux::detail::current_runtime() == nullptr)
        throw no_runtime("pollux: net: no runtime on this thread; poll it inside a task or runtime::block_on");
}

}  // namespace pollux::inline v0::net::detail

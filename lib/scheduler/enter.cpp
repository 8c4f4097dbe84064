// SPDX-License-Identifier: MIT
#include "pollux/runtime/enter.hpp"

#include <utility>

#include "scheduler/runtime_core.hpp"

namespace pollux::inline v0::detail {

entered_runtime::entered_runtime(runtime_core& core) noexcept
    : core_(core),
      changed_(current_execution != nullptr ? current_execution : &own_),
      outer_(std::exchange(changed_->runtime, &core)) {
    core.add_owner();
    current_execution = changed_;
}

void entered_runtime::leave() noexcept {
    // Otherwise what was changed may be gone, or another guard's.
    if (is_innermost()) changed_->runtime = outer_;
    if (current_execution == &own_) current_execution = nullptr;
    core_.drop_owner();
}

}  // namespace pollux::inline v0::detail

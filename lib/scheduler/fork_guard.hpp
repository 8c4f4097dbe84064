// SPDX-License-Identifier: MIT
// Tells a runtime that it has been copied by fork(): in the child its threads are not there, and whoever waited for them would wait
// for ever. The child may only exec or _exit; what it asks of the runtime all the same is refused.
#pragma once

#include <cstdint>

namespace pollux::inline v0::detail {

class fork_guard {
public:
    fork_guard() noexcept;

    /// This process is a child of the one that made this object. Threads: any.
    bool is_in_child() const noexcept;

private:
    std::uint32_t generation_;
};

}  // namespace pollux::inline v0::detail

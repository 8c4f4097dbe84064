// SPDX-License-Identifier: MIT
// The dear half of asymmetric fences: the kernel makes every running thread of the process execute a full fence.
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

bool membarrier_is_available() noexcept {
    static const bool registered = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    return registered;
}

void membarrier_all() noexcept { syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); }

void fence_for_thread_sanitizer() noexcept {
    static constinit std::atomic<int> word{0};
    word.fetch_add(0, std::memory_order::seq_cst);  // its partners: itself, on other threads
}

}  // namespace pollux::inline v0::detail

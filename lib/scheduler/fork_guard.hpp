// SPDX-License-Identifier: MIT
// Tells a runtime that it has been copied by fork(): in the child its threads are not there, and whoever waited for them would wait
// for ever. The child may only exec or _exit; what it asks of the runtime all the same is refused.
#pragma once

#include <atomic>
#include <cstdint>

namespace pollux::inline v0::detail {

// Forks that lie between this process and the one that was started. Relaxed, all: a child has one thread, and inherits the word as the
// parent's forking thread saw it.
extern constinit std::atomic<std::uint32_t> fork_generation;

class fork_guard {
public:
    fork_guard() noexcept;

    /// This process is a child of the one that made this object. Threads: any.
    bool is_in_child() const noexcept { return fork_generation.load(std::memory_order::relaxed) != generation_; }

private:
    std::uint32_t generation_;
};

}  // namespace pollux::inline v0::detail

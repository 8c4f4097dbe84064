// SPDX-License-Identifier: MIT
// The hook stays for the life of the process, as the library does (it is linked with -z nodelete).
#include "scheduler/fork_guard.hpp"

#include <pthread.h>

namespace pollux::inline v0::detail {

constinit std::atomic<std::uint32_t> fork_generation{0};

namespace {

std::uint32_t watched_generation() noexcept {
    // A failure means no memory for the hook: then the child is not told apart, and does what is undefined anyway.
    static const int is_watched =
        pthread_atfork(nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order::relaxed); });
    static_cast<void>(is_watched);
    return fork_generation.load(std::memory_order::relaxed);
}

}  // namespace

fork_guard::fork_guard() noexcept : generation_(watched_generation()) {}

}  // namespace pollux::inline v0::detail

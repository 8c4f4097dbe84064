// SPDX-License-Identifier: MIT
// The hook stays for the life of the process, as the library does (it is linked with -z nodelete).
#include "scheduler/fork_guard.hpp"

#include <pthread.h>

#include <atomic>

namespace pollux::inline v0::detail {

namespace {

// Relaxed, all: the child has one thread, and inherits the word as the parent's forking thread saw it.
constinit std::atomic<std::uint32_t> generation{0};

std::uint32_t watched_generation() noexcept {
    // A failure means no memory for the hook: then the child is not told apart, and does what is undefined anyway.
    static const int is_watched =
        pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order::relaxed); });
    static_cast<void>(is_watched);
    return generation.load(std::memory_order::relaxed);
}

}  // namespace

fork_guard::fork_guard() noexcept : generation_(watched_generation()) {}

bool fork_guard::is_in_child() const noexcept { return generation.load(std::memory_order::relaxed) != generation_; }

}  // namespace pollux::inline v0::detail

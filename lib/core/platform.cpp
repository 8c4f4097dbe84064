// SPDX-License-Identifier: MIT
// The operating system itself, where a platform does not put something else in its place.
#include "core/platform.hpp"

#include "core/futex.hpp"

namespace pollux::inline v0::detail {

constinit thread_local platform* current_platform = nullptr;

void platform::yield_point(const char*) noexcept {}

platform::time_point platform::now() noexcept { return std::chrono::steady_clock::now(); }

bool platform::wait(const word& waited_for, std::uint32_t value, time_point deadline) noexcept {
    return os_futex::wait_in_system(waited_for, value, deadline);
}

void platform::wait_in_block_on(const word& waited_for, std::uint32_t value, const runtime_core*) {
    os_futex::wait_in_system(waited_for, value, time_point::max());
}

void platform::wait_a_turn(time_point) noexcept { ::sched_yield(); }

bool platform::prefers_later_ones() noexcept { return false; }
void platform::runs(runnable&) noexcept {}

bool platform::has_threads() const noexcept { return false; }

std::shared_ptr<platform_thread> platform::start(std::function<void()>) { return nullptr; }

}  // namespace pollux::inline v0::detail

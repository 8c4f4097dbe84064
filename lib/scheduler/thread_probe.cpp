// SPDX-License-Identifier: MIT
#include "scheduler/thread_probe.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

namespace pollux::inline v0::detail {

void thread_probe::take_this_thread() noexcept {
    ::clockid_t mine = CLOCK_MONOTONIC;
    if (::pthread_getcpuclockid(::pthread_self(), &mine) != 0) mine = CLOCK_MONOTONIC;
    id_.store(::gettid(), std::memory_order::relaxed);
    clock_.store(mine, std::memory_order::relaxed);
}

bool thread_probe::is_blocked() const noexcept {
    char path[48];
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", static_cast<int>(id_.load(std::memory_order::relaxed)));
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return true;
    char text[128];
    const ::ssize_t n = ::read(file, text, sizeof text);
    ::close(file);
    // "17 (name) R ...", where the name may hold parentheses.
    const std::string_view line(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    const std::size_t name_end = line.rfind(") ");
    return name_end == line.npos || name_end + 2 >= line.size() || line[name_end + 2] != 'R';
}

std::chrono::nanoseconds thread_probe::cpu_time() const noexcept {
    ::timespec used{};
    ::clock_gettime(clock_.load(std::memory_order::relaxed), &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// What a process holds of the system, and a system that refuses it threads.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>

namespace pollux::test {

inline std::size_t entries_of(const char* directory) {
    namespace fs = std::filesystem;
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}
inline std::size_t threads_of_process() { return entries_of("/proc/self/task"); }
inline std::size_t descriptors_of_process() { return entries_of("/proc/self/fd"); }

/// False under a sanitizer, whose heap keeps what was freed.
bool heap_can_be_measured() noexcept;

/// False under thread and address sanitizer, which have a pthread_create of their own: then nothing is refused.
bool threads_can_be_refused() noexcept;

// While it lives, the system lets the process start `granted` threads more, and then says EAGAIN.
class refused_threads {
public:
    explicit refused_threads(int granted) noexcept;
    refused_threads(const refused_threads&) = delete;
    refused_threads& operator=(const refused_threads&) = delete;
    ~refused_threads();

    /// How many it has refused so far.
    int count() const noexcept;
};

}  // namespace pollux::test

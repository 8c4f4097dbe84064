// SPDX-License-Identifier: MIT
// The threads of this process, as the system lists them.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace pollux::test {

/// The folder of the thread with that name, if there is one.
inline std::optional<std::filesystem::path> thread_called(const std::string& name) {
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream file(each.path() / "comm");
        std::string found;
        if (std::getline(file, found) && found == name) return each.path();
    }
    return std::nullopt;
}

/// How often that thread has gone to sleep.
inline long sleeps_of(const std::filesystem::path& thread) {
    std::ifstream file(thread / "status");
    const std::string wanted = "voluntary_ctxt_switches:";
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(wanted)) return std::stol(line.substr(wanted.size()));
    return -1;
}

}  // namespace pollux::test

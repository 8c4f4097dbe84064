// SPDX-License-Identifier: MIT
// What the tests of fs::file have in common: bytes, and files that are open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "pollux/fs/file.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/driver_options.hpp"

namespace pollux::test {

inline constexpr std::size_t buffer_bytes = 64 * 1024;
inline constexpr pollux::fs::open_options read_and_write{.read = true, .write = true, .create = true};

inline std::string random_bytes(std::size_t size, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& each : bytes) each = static_cast<char>(random());
    return bytes;
}
pollux::fs::file open_in(auto& rt, const std::string& path, pollux::fs::open_options how) {
    auto opening = pollux::fs::file::open(path, how);
    return std::move(rt.finish(opening).value());
}
// For a runtime whose thread is held up.
inline pollux::fs::file open_elsewhere(const std::string& path, pollux::fs::open_options how) {
    pollux::runtime rt(pollux::test::driver_options());
    return rt.block_on(pollux::fs::file::open(path, how)).value();
}

}  // namespace pollux::test

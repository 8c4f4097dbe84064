// SPDX-License-Identifier: MIT
// A directory of its own for a test case, gone with everything in it at the end. Main thread.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "support/temporary_directory.hpp"

namespace pollux_tool {

class temporary_tree {
public:
    const std::string& root() const { return root_.path(); }
    std::string path(std::string_view name) const { return root_ / std::string(name); }

    /// Writes a file, with the directories above it.
    void write(std::string_view name, std::string_view content) const {
        const std::filesystem::path file = path(name);
        std::filesystem::create_directories(file.parent_path());
        pollux::test::put_contents(file.string(), std::string(content));
    }

private:
    pollux::test::temporary_directory root_;
};

}  // namespace pollux_tool

// SPDX-License-Identifier: MIT
// A directory of its own for a test case, gone with everything in it at the end. Main thread.

#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace pollux_tool {

class temporary_tree {
public:
    temporary_tree() {
        std::string pattern = (std::filesystem::temp_directory_path() / "pollux-test-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::system_error(errno, std::generic_category(), pattern);
        root_ = pattern;
    }
    temporary_tree(const temporary_tree&) = delete;
    temporary_tree& operator=(const temporary_tree&) = delete;
    ~temporary_tree() {
        std::error_code ignored;
        std::filesystem::remove_all(root_, ignored);
    }

    const std::string& root() const { return root_; }
    std::string path(std::string_view name) const { return root_ + "/" + std::string(name); }

    /// Writes a file, with the directories above it.
    void write(std::string_view name, std::string_view content) const {
        const std::filesystem::path file = path(name);
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << content;
    }

private:
    std::string root_;
};

}  // namespace pollux_tool

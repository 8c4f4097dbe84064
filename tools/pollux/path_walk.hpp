// SPDX-License-Identifier: MIT
// The regular files under some paths, one by one, in the byte order of their whole paths: what
// `find PATH... -type f -print0 | LC_ALL=C sort -z` prints, without ever holding the list. file_group calls it.
//
// Order. In a directory, a file counts as `name` and a directory as `name/`. All paths under a directory begin with
// `name/` and no path beside it does, so walking the entries in the byte order of these keys gives the byte order of
// whole paths: `a-b`, then `a.txt`, then all of `a/`, then `a0`. Several roots are walks of their own, merged by whole
// path; a root does not start before its own text is due, since nothing under it can come earlier.
//
// Memory: the entries of the directories from the root down to the current one, nothing else of the tree.
// Descriptors: of the current directory's ancestors only the nearest 64 and each 256th stay open (path_walk.cpp says
// why).
// Threads: one call at a time, from any.

#pragma once

#include "descriptor.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

namespace pollux_tool {

/// A regular file that the walk came across, or a place where it could not go on (then `error` is set).
struct found_path {
    std::string path;
    std::error_code error;
    std::shared_ptr<const descriptor> directory;  // null: `path` is meant from the working directory
    std::size_t name_at = 0;                      // where the name inside `directory` begins in `path`

    const char* name() const { return path.c_str() + name_at; }
};

class tree_walk;

class path_walk {
public:
    explicit path_walk(std::vector<std::string> roots);
    path_walk(path_walk&&) noexcept;
    path_walk& operator=(path_walk&&) noexcept;
    ~path_walk();

    /// The next file or failure; empty at the end, and soon after `stop` was requested.
    ///
    /// Symbolic links are neither listed nor followed, but `link/` names the directory behind the link, as everywhere.
    /// Cost: reads directories, so it may block.
    std::optional<found_path> next(const std::stop_token& stop);

private:
    struct source;

    std::vector<source> heap_;  // the earliest key on top; a source whose walk has not started counts as its root
};

}  // namespace pollux_tool

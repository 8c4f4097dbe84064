// SPDX-License-Identifier: MIT
// A few dozen files as one unit of work, so that the cost of handing a job to a pool vanishes beside the work. The
// three steps of a group are plain functions: take_group and load_files block (sum runs them on `blocking`), hash_files
// computes (on `offload`). A file too large for one buffer leaves the group's path: load_files hands out its first
// piece and its descriptor, and sum goes on piece by piece.
//
// Memory: at most one buffer of `buffer_bytes` a group, whatever the files hold.
// Threads: any; whoever has the values owns them.

#pragma once

#include "file_digest.hpp"
#include "path_walk.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace pollux_tool {

// Half a millisecond of hashing with SHA instructions: long beside a hand-over (some 10 us), short beside the second
// that Ctrl-C may take.
inline constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

// Every read begins on a cache line. 2 GB read into a buffer at 16 bytes past one, where malloc puts large blocks, took
// 1.6-1.8 s, on the line 0.3 s (AMD EPYC, page cache): the kernel copies with `rep movsb`.
inline constexpr std::size_t read_alignment = 64;

struct free_buffer {
    void operator()(std::byte* it) const { ::operator delete[](it, std::align_val_t{read_alignment}); }
};

using byte_buffer = std::unique_ptr<std::byte[], free_buffer>;

/// A buffer of buffer_bytes, on a cache line and uninitialised. Throws: `std::bad_alloc`.
byte_buffer make_buffer();

using path_group = std::vector<found_path>;

/// The next files of the walk: at most 64, from at most 16 directories (each holds a descriptor). Empty at the end.
path_group take_group(path_walk& walk, const std::stop_token& stop);

/// The bytes of some consecutive files of a group.
struct loaded_files {
    struct piece {
        std::size_t begin = 0;  // in the buffer
        std::size_t bytes = 0;
        std::error_code error;  // why the file could not be read; its bytes are not in the buffer then
    };

    byte_buffer buffer;
    std::vector<piece> pieces;
    std::optional<descriptor> unfinished;  // of the only piece: the file goes on, and the buffer is full
};

/// Reads files of `group`, beginning with number `first`, as many as fit into `buffer`. At least one, unless `stop` was requested.
loaded_files load_files(const path_group& group, std::size_t first, byte_buffer buffer, const std::stop_token& stop);

/// What is known of a group when its files have been hashed.
struct group_result {
    std::string lines;                  // for stdout
    std::vector<std::string> failures;  // lines for stderr, without line end
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;

    void add_file(const found_path& found, const sha256_digest& digest, std::uint64_t size);
    void add_failure(const found_path& found, std::error_code error);
};

/// Hashes what load_files has read, and adds a line or a failure for each file.
void hash_files(const path_group& group, std::size_t first, const loaded_files& loaded, group_result& into);

/// `path` between quotation marks, on one line, with nothing in it that a terminal would obey.
std::string quoted(std::string_view path);

/// What the system calls the error, beginning in lower case.
std::string reason_of(std::error_code error);

}  // namespace pollux_tool

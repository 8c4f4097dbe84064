// SPDX-License-Identifier: MIT
// Opening, reading and hashing of one file: the three steps that file_group and sum put on different threads.
// Only regular files are opened, and they are read, never mapped: a file that shrinks meanwhile just ends earlier.
// Threads: the functions from any; a sha256_hasher by one at a time.

#pragma once

#include "descriptor.hpp"
#include "path_walk.hpp"
#include "sha256_line.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <system_error>

struct evp_md_ctx_st;  // of OpenSSL; its headers stay in the source file

namespace pollux_tool {

struct opened_file {
    descriptor file;
    std::uint64_t bytes = 0;  // as the file system says: a hint, a file may grow, and those under /proc say 0
};

/// Opens a file that the walk has found. Something else that has taken its place since is refused, a symbolic link too.
std::expected<opened_file, std::error_code> open_regular(const found_path& found);

/// Fills `into` as far as the file goes: less than its size only at the end of the file.
std::expected<std::size_t, std::error_code> read_full(const descriptor& file, std::span<std::byte> into);

/// SHA-256 by OpenSSL. After `finish` it begins anew.
class sha256_hasher {
public:
    sha256_hasher();

    void update(std::span<const std::byte> bytes);
    sha256_digest finish();

private:
    struct free_context {
        void operator()(evp_md_ctx_st* it) const;
    };

    std::unique_ptr<evp_md_ctx_st, free_context> context_;
};

}  // namespace pollux_tool

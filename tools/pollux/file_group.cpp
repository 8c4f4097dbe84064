// SPDX-License-Identifier: MIT
// The steps of a group, see file_group.hpp.

#include "file_group.hpp"

#include <fmt/core.h>

#include <span>
#include <string_view>
#include <utility>

namespace pollux_tool {

namespace {

constexpr std::size_t most_files = 64;
// Eight groups in flight hold 128 descriptors of directories: far below the usual limit of 1024.
constexpr std::size_t most_directories = 16;

}  // namespace

path_group take_group(path_walk& walk, const std::stop_token& stop) {
    path_group out;
    const descriptor* last_directory = nullptr;
    std::size_t directories = 0;
    while (out.size() < most_files && directories < most_directories) {
        auto found = walk.next(stop);
        if (!found) break;
        if (found->directory.get() != last_directory) {
            last_directory = found->directory.get();
            ++directories;
        }
        out.push_back(*std::move(found));
    }
    return out;
}

byte_buffer make_buffer() {
    return byte_buffer(static_cast<std::byte*>(::operator new[](buffer_bytes, std::align_val_t{read_alignment})));
}

loaded_files load_files(const path_group& group, std::size_t first, byte_buffer buffer, const std::stop_token& stop) {
    loaded_files out;
    out.buffer = std::move(buffer);
    const std::span<std::byte> whole(out.buffer.get(), buffer_bytes);
    std::size_t begin = 0;
    for (auto at = first; at < group.size() && !stop.stop_requested(); ++at) {
        if (group[at].error) {
            out.pieces.push_back({begin, 0, group[at].error});
            continue;
        }
        auto opened = open_regular(group[at]);
        if (!opened) {
            out.pieces.push_back({begin, 0, opened.error()});
            continue;
        }
        const auto room = whole.subspan(begin);
        if (begin > 0 && opened->bytes >= room.size()) return out;  // next time, with the whole buffer
        const auto got = read_full(opened->file, room);
        if (!got) {
            out.pieces.push_back({begin, 0, got.error()});
            continue;
        }
        if (*got == room.size()) {  // the end was not seen
            if (!out.pieces.empty()) return out;
            out.pieces.push_back({begin, *got, {}});
            out.unfinished = std::move(opened->file);
            return out;
        }
        out.pieces.push_back({begin, *got, {}});
        begin += (*got + read_alignment - 1) / read_alignment * read_alignment;
        if (begin == buffer_bytes) return out;
    }
    return out;
}

void hash_files(const path_group& group, std::size_t first, const loaded_files& loaded, group_result& into) {
    sha256_hasher hasher;
    const std::span<const std::byte> whole(loaded.buffer.get(), buffer_bytes);
    for (std::size_t i = 0; i < loaded.pieces.size(); ++i) {
        const auto& piece = loaded.pieces[i];
        const auto& found = group[first + i];
        if (piece.error) {
            into.add_failure(found, piece.error);
            continue;
        }
        hasher.update(whole.subspan(piece.begin, piece.bytes));
        into.add_file(found, hasher.finish(), piece.bytes);
    }
}

void group_result::add_file(const found_path& found, const sha256_digest& digest, std::uint64_t size) {
    append_sha256_line(lines, digest, found.path);
    ++files;
    bytes += size;
}

void group_result::add_failure(const found_path& found, std::error_code error) {
    failures.push_back(fmt::format("pollux: sum {}: {}; left out", quoted(found.path), reason_of(error)));
}

std::string quoted(std::string_view path) {
    std::string out = "\"";
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    out += '"';
    return out;
}

std::string reason_of(std::error_code error) {
    auto out = error.message();
    if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] - 'A' + 'a');
    return out;
}

}  // namespace pollux_tool

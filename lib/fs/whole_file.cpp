// SPDX-License-Identifier: MIT
#include "pollux/fs/whole_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>

#include "fs/path.hpp"
#include "io/system_calls.hpp"

namespace pollux::inline v0::fs::detail {

namespace {

using io::detail::last_error;
using io::detail::owned_descriptor;

std::expected<owned_descriptor, std::error_code> open_whole(const std::string& path, int flags) {
    if (const std::error_code wrong = check_path(path)) return std::unexpected(wrong);
    owned_descriptor fd(
        io::detail::uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode_t{0666}); }));
    if (!fd) return std::unexpected(last_error());
    return fd;
}

// One byte more than the file has, so that the read that finds the end has room. Files of /proc say 0, pipes too.
std::size_t first_room(int fd) noexcept {
    constexpr std::size_t of_unknown_size = 4096;
    struct ::stat status;
    if (::fstat(fd, &status) != 0 || status.st_size <= 0) return of_unknown_size;
    return static_cast<std::size_t>(status.st_size) + 1;
}

}  // namespace

std::expected<std::string, std::error_code> read_file(const path_arguments& arguments) {
    const auto fd = open_whole(arguments.path, O_RDONLY);
    if (!fd.has_value()) return std::unexpected(fd.error());
    std::string bytes(first_room(fd->get()), '\0');
    for (std::size_t size = 0;;) {
        if (size == bytes.size()) bytes.resize(2 * size);
        std::size_t n = 0;
        const io::span room(bytes.data() + size, bytes.size() - size);
        if (const std::error_code why = io::detail::read_some(fd->get(), room, n)) return std::unexpected(why);
        size += n;
        if (n == 0) {
            bytes.resize(size);
            return bytes;
        }
    }
}

std::expected<void, std::error_code> write_file(const path_arguments& arguments) {
    auto fd = open_whole(arguments.path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!fd.has_value()) return std::unexpected(fd.error());
    if (const std::error_code why = io::detail::write_fully(fd->get(), arguments.other)) return std::unexpected(why);
    if (const std::error_code why = io::detail::close_descriptor(fd->release())) return std::unexpected(why);
    return {};
}

}  // namespace pollux::inline v0::fs::detail

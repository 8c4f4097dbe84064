// SPDX-License-Identifier: MIT
#include "pollux/fs/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "fs/path.hpp"
#include "fs/stat.hpp"
#include "io/system_calls.hpp"

namespace pollux::inline v0::fs::detail {

namespace {

using io::detail::descriptor_call;
using io::detail::last_error;
using io::detail::uninterrupted;

// Errors: invalid_argument.
std::expected<int, std::error_code> flags_of(const open_options& how) noexcept {
    const bool writes = how.write || how.append;
    if (((how.create || how.create_new) && !writes) || (how.truncate && !how.write))
        return std::unexpected(std::make_error_code(std::errc::invalid_argument));
    int flags = O_CLOEXEC | (!writes ? O_RDONLY : how.read ? O_RDWR : O_WRONLY);
    if (how.append) flags |= O_APPEND;
    if (how.truncate) flags |= O_TRUNC;
    if (how.create) flags |= O_CREAT;
    if (how.create_new) flags |= O_CREAT | O_EXCL;
    return flags;
}

// For descriptor_call: the numbers are what it got and what it gives.
std::error_code done(int answer) noexcept { return answer < 0 ? last_error() : std::error_code(); }

std::error_code seek(int fd, std::int64_t (&numbers)[3]) noexcept {
    const ::off_t at = ::lseek(fd, numbers[0], static_cast<int>(numbers[1]));
    if (at < 0) return last_error();
    numbers[0] = at;
    return {};
}
std::error_code set_length(int fd, std::int64_t (&numbers)[3]) noexcept {
    return done(uninterrupted([&] { return ::ftruncate(fd, numbers[0]); }));
}
std::error_code sync_all(int fd, std::int64_t (&)[3]) noexcept {
    return done(uninterrupted([&] { return ::fsync(fd); }));
}
std::error_code look(int fd, std::int64_t (&numbers)[3]) noexcept {
    struct ::stat status;
    if (::fstat(fd, &status) != 0) return last_error();
    numbers[0] = status.st_size;
    numbers[1] = metadata_of(status).modified.time_since_epoch().count();
    numbers[2] = status.st_mode;
    return {};
}

// Some file systems have times that are centuries away; they are the first or the last that there is here.
std::chrono::nanoseconds nanoseconds_of(const ::timespec& at) noexcept {
    using std::chrono::nanoseconds, std::chrono::seconds;
    constexpr auto most = std::chrono::floor<seconds>(nanoseconds::max());
    if (at.tv_sec >= most.count()) return nanoseconds::max();
    if (at.tv_sec <= -most.count()) return nanoseconds::min();
    return seconds(at.tv_sec) + nanoseconds(at.tv_nsec);
}

file_metadata metadata_of_parts(std::int64_t size, std::chrono::nanoseconds modified, ::mode_t mode) noexcept {
    file_metadata about;
    about.size = static_cast<std::uint64_t>(size);
    about.modified = std::chrono::sys_time<std::chrono::nanoseconds>(modified);
    about.is_file = S_ISREG(mode);
    about.is_directory = S_ISDIR(mode);
    return about;
}

}  // namespace

file_metadata metadata_of(const struct ::stat& status) noexcept {
    const ::timespec& at = status.st_mtim;
    return metadata_of_parts(status.st_size, nanoseconds_of(at), status.st_mode);
}

file_metadata metadata_from(const std::int64_t (&numbers)[3]) noexcept {
    return metadata_of_parts(numbers[0], std::chrono::nanoseconds(numbers[1]), static_cast<::mode_t>(numbers[2]));
}

descriptor_call seek_call(std::int64_t offset, seek_from whence) noexcept {
    const int how = whence == seek_from::start ? SEEK_SET : whence == seek_from::current ? SEEK_CUR : SEEK_END;
    return {.run = &seek, .numbers = {offset, how}, .gives_back = true};
}
descriptor_call set_length_call(std::uint64_t size) noexcept {
    // A size that no file has is negative to the system, which says invalid_argument.
    return {.run = &set_length, .numbers = {static_cast<std::int64_t>(size)}, .gives_back = true};
}
descriptor_call sync_all_call() noexcept { return {.run = &sync_all}; }
descriptor_call metadata_call() noexcept { return {.run = &look}; }

std::expected<file, std::error_code> open(const path_arguments& arguments) {
    if (const std::error_code wrong = check_path(arguments.path)) return std::unexpected(wrong);
    const auto flags = flags_of(arguments.how);
    if (!flags.has_value()) return std::unexpected(flags.error());
    io::detail::owned_descriptor fd(
        uninterrupted([&] { return ::open(arguments.path.c_str(), *flags, ::mode_t{0666}); }));
    if (!fd) return std::unexpected(last_error());
    const bool can_seek = ::lseek(fd.get(), 0, SEEK_CUR) >= 0;
    io::detail::blocking_descriptor on(fd.get(), {.can_seek = can_seek, .may_use_ring = true});
    static_cast<void>(fd.release());
    return file(std::move(on));
}

}  // namespace pollux::inline v0::fs::detail

// SPDX-License-Identifier: MIT
#include "pollux/fs/paths.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "fs/path.hpp"
#include "fs/stat.hpp"
#include "io/system_calls.hpp"

namespace pollux::inline v0::fs::detail {

namespace {

using io::detail::last_error;
using io::detail::uninterrupted;

template <class Call>
std::expected<void, std::error_code> call_with(const path_arguments& arguments, Call call) {
    for (const std::string* each : {&arguments.path, &arguments.other})
        if (const std::error_code wrong = check_path(*each)) return std::unexpected(wrong);
    if (uninterrupted(call) < 0) return std::unexpected(last_error());
    return {};
}

}  // namespace

std::expected<void, std::error_code> remove_file(const path_arguments& arguments) {
    return call_with(arguments, [&] { return ::unlink(arguments.path.c_str()); });
}

std::expected<void, std::error_code> rename(const path_arguments& arguments) {
    return call_with(arguments, [&] { return std::rename(arguments.path.c_str(), arguments.other.c_str()); });
}

std::expected<void, std::error_code> create_directories(const path_arguments& arguments) {
    if (const std::error_code wrong = check_path(arguments.path)) return std::unexpected(wrong);
    std::error_code why;
    std::filesystem::create_directories(arguments.path, why);
    if (why) return std::unexpected(why);
    return {};
}

std::expected<file_metadata, std::error_code> metadata(const path_arguments& arguments) {
    struct ::stat status;
    const auto done = call_with(arguments, [&] { return ::stat(arguments.path.c_str(), &status); });
    if (!done.has_value()) return std::unexpected(done.error());
    return metadata_of(status);
}

std::expected<bool, std::error_code> exists(const path_arguments& arguments) {
    const auto found = metadata(arguments);
    if (found.has_value()) return true;
    if (found.error() == std::errc::no_such_file_or_directory || found.error() == std::errc::not_a_directory)
        return false;
    return std::unexpected(found.error());
}

}  // namespace pollux::inline v0::fs::detail

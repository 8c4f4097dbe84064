// SPDX-License-Identifier: MIT
// What is done to the names of files, each in a job of `blocking`. A name is a string of any type or a std::filesystem::path. The functions
// have in common:
//   Errors: those of the system; `std::errc::invalid_argument` if a path holds a zero byte; `std::errc::operation_canceled`
//     if the runtime ended before the job began.
//   Throws: when polled, no_runtime outside a runtime; std::bad_alloc.
//   Cancel: a job that has not begun never does; one that runs goes on to its end.
//   Cost: one job of `blocking`.
#pragma once

#include <expected>
#include <string>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/fs/detail/path_call.hpp"
#include "pollux/fs/file_metadata.hpp"

namespace pollux::inline v0::fs {

namespace detail {

POLLUX_API std::expected<void, std::error_code> remove_file(const path_arguments& arguments);
POLLUX_API std::expected<void, std::error_code> rename(const path_arguments& arguments);
POLLUX_API std::expected<void, std::error_code> create_directories(const path_arguments& arguments);
POLLUX_API std::expected<file_metadata, std::error_code> metadata(const path_arguments& arguments);
POLLUX_API std::expected<bool, std::error_code> exists(const path_arguments& arguments);

}  // namespace detail

/// Removes a file, or a link, but no directory. Errors, Throws, Cancel, Cost: as for all functions of this header.
inline auto remove_file(detail::owned_text path) {
    return detail::path_call_future<void>(&detail::remove_file, {std::move(path.text)});
}

/// Gives what `from` names the name `to`. A file that has it is replaced, at one moment. Errors, Throws, Cancel, Cost: as for
/// remove_file(); `std::errc::cross_device_link`: `to` is on another file system.
inline auto rename(detail::owned_text from, detail::owned_text to) {
    return detail::path_call_future<void>(&detail::rename, {std::move(from.text), std::move(to.text)});
}

/// Makes the directory and those above it, as far as they are not there: no error if all are. Errors, Throws, Cancel, Cost: as
/// for remove_file(); the ones above stay after an error.
inline auto create_directories(detail::owned_text path) {
    return detail::path_call_future<void>(&detail::create_directories, {std::move(path.text)});
}

/// Of the file that `path` names, behind all links. Errors, Throws, Cancel, Cost: as for remove_file().
inline auto metadata(detail::owned_text path) {
    return detail::path_call_future<file_metadata>(&detail::metadata, {std::move(path.text)});
}

/// Whether `path` names something, behind all links. Errors, Throws, Cancel, Cost: as for remove_file(); it is an error
/// where that cannot be told, as without the right to look into a directory.
inline auto exists(detail::owned_text path) {
    return detail::path_call_future<bool>(&detail::exists, {std::move(path.text)});
}

}  // namespace pollux::inline v0::fs

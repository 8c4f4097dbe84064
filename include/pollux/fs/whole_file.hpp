// SPDX-License-Identifier: MIT
// `read_file` and `write_file`: a whole file in one job.
#pragma once

#include <expected>
#include <string>
#include <system_error>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/fs/detail/path_call.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::fs {

namespace detail {

POLLUX_API std::expected<std::string, std::error_code> read_file(const path_arguments& arguments);
POLLUX_API std::expected<void, std::error_code> write_file(const path_arguments& arguments);

}  // namespace detail

/// All bytes of the file. Lazy: it is opened after the first poll, on a blocking thread.
///
/// Errors: those of the system, such as `std::errc::no_such_file_or_directory`; `std::errc::invalid_argument` if the path holds a
/// zero byte; `std::errc::operation_canceled` if the runtime ended before the job began.
/// Throws: when polled, no_runtime outside a runtime; std::bad_alloc.
/// Cancel: a job that has not begun never does; one that runs goes on, and what it has read is dropped.
/// Cost: one job of `blocking`; the file's size of memory. Of a pipe or a device: until its end, and the end of the runtime waits.
inline auto read_file(detail::owned_text path) {
    return detail::path_call_future<std::string>(&detail::read_file, {std::move(path.text)});
}

/// Makes `bytes`, of which it takes a copy at once, the contents of the file, which is made if it is not there.
///
/// Errors: as read_file(); after one, the file may be empty or hold a part. An error of closing it is one.
/// Throws: std::bad_alloc, at once too; as read_file().
/// Cancel: a job that has not begun never does; one that runs goes on to its end.
/// Cost: one job of `blocking`; a copy of the bytes.
inline auto write_file(detail::owned_text path, io::const_span bytes) {
    return detail::path_call_future<void>(&detail::write_file,
                                          {std::move(path.text), std::string(bytes.data(), bytes.size())});
}

}  // namespace pollux::inline v0::fs

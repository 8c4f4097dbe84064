// SPDX-License-Identifier: MIT
// `file`: an open file as a byte stream. Its calls run on `blocking` or in io_uring, one at a time, beside buffers of the file's own;
// the work is done by io/detail/blocking_descriptor.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/fs/detail/path_call.hpp"
#include "pollux/fs/file_metadata.hpp"
#include "pollux/fs/open_options.hpp"
#include "pollux/io/detail/blocking_descriptor.hpp"
#include "pollux/io/detail/byte_stream_members.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::fs {

class file;

/// Where the offset of `file::seek` counts from.
enum class seek_from { start, current, end };

namespace detail {

POLLUX_API std::expected<file, std::error_code> open(const path_arguments& arguments);

POLLUX_API io::detail::descriptor_call seek_call(std::int64_t offset, seek_from whence) noexcept;
POLLUX_API io::detail::descriptor_call set_length_call(std::uint64_t size) noexcept;
POLLUX_API io::detail::descriptor_call sync_all_call() noexcept;
POLLUX_API io::detail::descriptor_call metadata_call() noexcept;
POLLUX_API file_metadata metadata_from(const std::int64_t (&numbers)[3]) noexcept;

// `T` is what comes of the call: nothing, a number, or a file_metadata.
template <class T>
class [[nodiscard]] file_call_future {
public:
    using value_type = T;
    using error_type = std::error_code;

    file_call_future(io::detail::blocking_descriptor& on, const io::detail::descriptor_call& what) noexcept
        : on_(&on), call_(what) {}

    polled<T, std::error_code> poll(context& cx) {
        auto done = on_->poll_call(cx, call_);
        if (done.is_pending()) return pending;
        if (done.has_error()) return std::unexpected(done.error());
        if constexpr (std::is_void_v<T>)
            return polled<T, std::error_code>::ready();
        else if constexpr (std::is_same_v<T, file_metadata>)
            return metadata_from(call_.numbers);
        else
            return static_cast<T>(call_.numbers[0]);
    }

private:
    io::detail::blocking_descriptor* on_;
    io::detail::descriptor_call call_;
};

}  // namespace detail

/// An open file: a byte stream, with one position for reading and writing.
///
/// Reading reads ahead, 64 KiB at a time. Writing is ready when the bytes are in a buffer of 64 KiB; a job writes them behind it. In a
/// runtime with io_driver::uring reads are operations of that, and writes to what can seek; all else that a file does, and all of it in
/// others, is a job of `blocking`.
/// If that fails, the next operation fails with its error, whichever it is, once; what was accepted up to then and is not in
/// the file is lost. `flush()` waits until all is written. `shutdown()` does no more.
///
/// Errors: those of the system; `std::errc::operation_canceled` if the runtime ended before a job began; that of a write before.
/// Throws: when polled, no_runtime outside a runtime; std::bad_alloc.
/// Threads: may be moved to any while none of its futures is pending; used by one at a time, one future after the other, but
/// for the halves of `split()`.
/// Cancel: a read that is dropped while it is pending loses nothing: the next one gets the bytes, or its error. A seek or the like that is
/// dropped may have been done. Dropping the file closes it, when a job that runs has ended; bytes that it has accepted are
/// still written, if the runtime lives long enough for their job to begin, but nobody learns of an error: flush first.
/// Cost: an allocation for the file and one for each buffer that is used; a job of `blocking`, or an operation without an allocation, for
/// each 64 KiB read, and for the writes that come while another one ends. A job on a pipe or a device that never returns keeps the end of
/// the runtime waiting.
/// Source: the meaning of Tokio's fs::File, where an error of a write waits for the next write or flush only.
class [[nodiscard]] file : public io::detail::byte_stream_members<file> {
public:
    /// A future of the file at `path`. Its descriptor is close-on-exec.
    ///
    /// Errors: those of the system, such as `std::errc::no_such_file_or_directory`; `std::errc::invalid_argument` if the path holds
    /// a zero byte, or for options that go with `write` only, without it. Cancel: a file that was opened is closed.
    static auto open(detail::owned_text path, open_options how = {}) {
        return detail::path_call_future<file>(&detail::open, {std::move(path.text), {}, how});
    }
    /// The same for writing; it is made if it is not there, and emptied if it is.
    static auto create(detail::owned_text path) {
        return open(std::move(path.text), {.write = true, .truncate = true, .create = true});
    }

    /// Moves the position, which may be behind the end: it is the value. What was read ahead is dropped.
    auto seek(std::int64_t offset, seek_from whence = seek_from::start) {
        return detail::file_call_future<std::uint64_t>(on_, detail::seek_call(offset, whence));
    }
    /// Cuts it to `size` bytes, or fills it up with zeros. The position stays.
    auto set_length(std::uint64_t size) { return detail::file_call_future<void>(on_, detail::set_length_call(size)); }
    /// Ready when what was written is on the device.
    auto sync_all() { return detail::file_call_future<void>(on_, detail::sync_all_call()); }
    auto metadata() { return detail::file_call_future<file_metadata>(on_, detail::metadata_call()); }

    polled<std::size_t, std::error_code> poll_read(context& cx, io::span to) { return on_.poll_read(cx, to); }
    polled<std::size_t, std::error_code> poll_write(context& cx, io::const_span bytes) {
        return on_.poll_write(cx, bytes);
    }
    polled<void, std::error_code> poll_flush(context& cx) { return on_.poll_flush(cx); }
    polled<void, std::error_code> poll_shutdown(context& cx) { return on_.poll_flush(cx); }

    /// The descriptor; it stays the file's. Its position may be ahead of what was read.
    int native_handle() const noexcept { return on_.native_handle(); }

private:
    friend std::expected<file, std::error_code> detail::open(const detail::path_arguments& arguments);

    explicit file(io::detail::blocking_descriptor on) noexcept : on_(std::move(on)) {}

    io::detail::blocking_descriptor on_;
};

}  // namespace pollux::inline v0::fs

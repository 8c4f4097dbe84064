// SPDX-License-Identifier: MIT
// `standard_input` and `standard_output`: the process's own streams, whether they are files, pipes or terminals. Their calls run
// on `blocking`, so nothing is done to the descriptors, which other processes share: no O_NONBLOCK, no epoll.
#pragma once

#include <cstddef>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/detail/blocking_descriptor.hpp"
#include "pollux/io/detail/byte_stream_members.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io {

/// What `standard_input()` gives. It may be moved at any time while no read of it is pending.
class [[nodiscard]] standard_input_stream : public detail::reader_members<standard_input_stream> {
public:
    /// For the library: of any descriptor.
    explicit standard_input_stream(detail::blocking_descriptor on) noexcept : on_(std::move(on)) {}

    polled<std::size_t, std::error_code> poll_read(context& cx, span to) { return on_.poll_read(cx, to); }

private:
    detail::blocking_descriptor on_;
};

/// What `standard_output()` gives. It may be moved at any time while no future of it is pending.
class [[nodiscard]] standard_output_stream : public detail::writer_members<standard_output_stream> {
public:
    /// For the library: of any descriptor.
    explicit standard_output_stream(detail::blocking_descriptor on) noexcept : on_(std::move(on)) {}

    polled<std::size_t, std::error_code> poll_write(context& cx, const_span bytes) { return on_.poll_write(cx, bytes); }
    polled<void, std::error_code> poll_flush(context& cx) { return on_.poll_flush(cx); }
    /// As poll_flush(): the descriptor stays open.
    polled<void, std::error_code> poll_shutdown(context& cx) { return on_.poll_flush(cx); }

private:
    detail::blocking_descriptor on_;
};

/// Descriptor 0 as a byte stream that is read. For lines: `standard_input().lines()`. Many small reads are many jobs: put
/// `buffered()` in front.
///
/// Errors: those of the system; `std::errc::operation_canceled` if the runtime ends while it waits.
/// Throws: std::bad_alloc, at once too; when polled, no_runtime outside a runtime.
/// Threads: used by one at a time.
/// Cancel: a read that is dropped while it is pending loses nothing: it takes no more than its span has room for, and the next
/// read of the same object gets that. Bytes that an object has and did not give out go with it, so let a process have one.
/// Cost: an allocation for the object and 64 KiB for its buffer; a job of `blocking` for each read that finds the buffer empty, which
/// holds a thread while no input comes. Dropping the object ends that, and so does the end of the runtime; but where another process takes
/// the line of a terminal at that very moment, the next line does.
/// Source: Tokio's stdin, which keeps its runtime waiting for the next line.
POLLUX_API standard_input_stream standard_input();

/// Descriptor 1 as a byte stream that is written. A write is ready when the bytes are in a buffer of 64 KiB; a job writes them
/// behind it. Flush before the program ends: what no job has begun with by then is not written.
///
/// Errors: those of the system; that of a write comes with the next write or flush. `std::errc::operation_canceled` if the
/// runtime ended before a job began. Where nobody reads a pipe any more, SIGPIPE is raised as for any program.
/// Throws: std::bad_alloc, at once too; when polled, no_runtime outside a runtime.
/// Threads: used by one at a time. The bytes of one write may be parted by those of other objects and of `std::cout`.
/// Cancel: a write that is dropped while it is pending has written nothing. Dropping the object lets what it accepted be written, if
/// the runtime lives long enough for the job to begin.
/// Cost: an allocation for the object and one for each of two buffers; a job of `blocking` for the writes that come while another one
/// ends. While nobody reads a full pipe the job keeps a thread, and the end of the runtime, waiting.
POLLUX_API standard_output_stream standard_output();

}  // namespace pollux::inline v0::io

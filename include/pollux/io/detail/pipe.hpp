// SPDX-License-Identifier: MIT
// One direction of a duplex: a ring of bytes, with one end that writes and one that reads, and a waker of each. Used by
// io/duplex.hpp; the code is in lib/io/pipe.cpp. Calls wakers, outside of its lock.
//
// Invariants: what an end waits for, bytes or room, goes away only by that end's own doing; so a look under the lock holds
// after it. An end that has left touches the pipe no more, and the later one frees it.
// Threads: the ends from any two, each used by one at a time.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <system_error>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io::detail {

enum class pipe_end : unsigned char { reader, writer };

class POLLUX_API pipe {
public:
    using count = std::expected<std::size_t, std::error_code>;

    /// Throws: std::bad_alloc.
    explicit pipe(std::size_t capacity);
    pipe(const pipe&) = delete;
    pipe& operator=(const pipe&) = delete;

    /// Of the reader. 0: the span is empty, or the writer has gone and everything was read.
    polled<std::size_t, std::error_code> poll_read(context& cx, span to);
    count try_read(span to) noexcept;

    /// Of the writer. Fails with broken_pipe once the reader has gone, or after shut(); 0: there are no bytes.
    polled<std::size_t, std::error_code> poll_write(context& cx, const_span bytes);
    count try_write(const_span bytes) noexcept;

    /// Of the writer: there will be no more.
    void shut() noexcept;

    /// The last access of an end.
    static void leave(pipe* shared, pipe_end end) noexcept;

private:
    ~pipe() = default;

    bool look_or_wait(pipe_end end, const waker& to_wake) noexcept;

    // These under the lock.
    bool is_ready(pipe_end end) const noexcept;
    waker& slot(pipe_end end) noexcept { return end == pipe_end::reader ? reader_ : writer_; }
    std::size_t take_out(span to) noexcept;
    std::size_t put_in(const_span bytes) noexcept;

    const std::size_t capacity_;
    const std::unique_ptr<char[]> ring_;
    pollux::detail::short_lock lock_;
    // Guarded by the lock.
    bool is_reader_gone_ = false;
    bool is_writer_gone_ = false;
    bool is_shut_ = false;
    std::size_t begin_ = 0;  // of the bytes in the ring
    std::size_t size_ = 0;
    waker reader_;
    waker writer_;
};

}  // namespace pollux::inline v0::io::detail

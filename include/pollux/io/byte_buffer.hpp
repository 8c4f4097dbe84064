// SPDX-License-Identifier: MIT
// Bytes that come in at the back and go out at the front: what a codec reads from and writes to. The code is in
// lib/io/byte_buffer.cpp.
#pragma once

#include <cstddef>
#include <string>

#include "pollux/core/export.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io {

/// Bytes in one piece. Appending and consuming cost time linear in the bytes, however small the pieces are.
///
/// Throws: what allocates, std::bad_alloc. Threads: a plain value.
class POLLUX_API byte_buffer {
public:
    byte_buffer() noexcept = default;
    byte_buffer(byte_buffer&& other) noexcept;
    byte_buffer& operator=(byte_buffer&& other) noexcept;
    ~byte_buffer() = default;

    /// The bytes. What changes the buffer makes pointers into it invalid.
    const char* data() const noexcept { return bytes_.data() + begin_; }
    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }

    /// The room behind the bytes, at least for `n` more. What is put there counts after `commit`.
    span prepare(std::size_t n);
    /// The first `n` bytes of the room are bytes now.
    void commit(std::size_t n) noexcept;
    void append(const_span bytes);

    /// Without its first `n` bytes.
    void consume(std::size_t n) noexcept;
    /// Its first `n` bytes, which are consumed.
    std::string take(std::size_t n);

private:
    std::string bytes_;      // its size is the room that there is
    std::size_t begin_ = 0;  // of the bytes
    std::size_t end_ = 0;
};

}  // namespace pollux::inline v0::io

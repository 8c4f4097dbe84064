// SPDX-License-Identifier: MIT
// Buffers that the kernel takes when something has come, for whichever operation: so who waits for input needs none of its own.
#pragma once

#include <linux/io_uring.h>

#include <cstddef>

namespace pollux::inline v0::detail {

/// Threads: who has the seat of the driver.
class ring_buffers {
public:
    // What operations name them by.
    static constexpr unsigned short group = 0;

    /// `count`: a power of 2. Throws: std::system_error.
    ring_buffers(int ring, unsigned count, unsigned bytes);
    ring_buffers(const ring_buffers&) = delete;
    ring_buffers& operator=(const ring_buffers&) = delete;
    ~ring_buffers();

    const char* at(unsigned id) const noexcept { return data_ + std::size_t{id} * bytes_; }
    /// The kernel may fill it again.
    void give_back(unsigned id) noexcept;

private:
    const unsigned count_, bytes_;
    std::size_t mapped_bytes_ = 0;
    io_uring_buf* entries_ = nullptr;  // shared with the kernel; the tail lies in the first
    char* data_ = nullptr;
    unsigned short tail_ = 0;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The two rings that io_uring shares with this process, and nothing of what goes through them. Used by ring_driver.
//
// Submissions: anybody writes them, one at a time under the lock; the kernel takes them in the order of the ring, whoever calls it.
// Completions: for who has the driver's seat, so for one at a time.
#pragma once

#include <linux/io_uring.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "pollux/core/short_lock.hpp"

namespace pollux::inline v0::detail {

class ring {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct setup {
        // Submissions between two system calls: a full ring costs one more. Completions that wait at once: past it the kernel keeps them
        // for us, which is slower. Guesses.
        unsigned submissions = 1024, completions = 4096;
        // One thread calls the system nearly always: it need not be interrupted for what has ended meanwhile.
        bool has_one_caller = false;
    };

    /// Throws: std::system_error that says what forbids it.
    explicit ring(const setup& how);
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;
    /// What is under way is given up; who needs its memory waits for it before.
    ~ring();

    int descriptor() const noexcept { return descriptor_; }

    /// Puts it where the next submit() or wait() of anybody finds it. False: there is no room, and the system takes nothing at the moment.
    /// Threads: any. Cost: a lock; a system call if the ring is full.
    bool push(const io_uring_sqe& entry) noexcept;
    /// Hands what was pushed before to the kernel. False: it has not taken all of it. Threads: any. Cost: a system call, unless there is
    /// nothing.
    bool submit() noexcept;

    /// submit(), and sleeps until there is a completion, the deadline is over or the system likes to. time_point::min(): does not sleep, and
    /// calls the system only if that may bring something. Threads: who has the seat.
    void wait(time_point deadline) noexcept;
    /// Takes completions, oldest first, at most `most`. Threads: as wait().
    std::size_t take(io_uring_cqe* to, std::size_t most) noexcept;

private:
    struct mapping {
        void* at = nullptr;
        std::size_t bytes = 0;
    };

    bool is_complete() const noexcept;
    unsigned unsubmitted() const noexcept;
    bool has_completions() const noexcept;
    void unmap() noexcept;

    int descriptor_ = -1;
    mapping rings_, entries_;

    // In the mapped memory; the kernel is the other side of each.
    unsigned* submit_head_ = nullptr;
    unsigned* submit_tail_ = nullptr;
    unsigned* flags_ = nullptr;
    unsigned* complete_head_ = nullptr;
    unsigned* complete_tail_ = nullptr;
    io_uring_sqe* submissions_ = nullptr;
    io_uring_cqe* completions_ = nullptr;
    unsigned submit_count_ = 0, complete_count_ = 0;

    short_lock lock_;  // of who pushes
};

}  // namespace pollux::inline v0::detail

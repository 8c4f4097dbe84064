// SPDX-License-Identifier: MIT
// Moving bytes in and out of a pipe, waiting and leaving, under one short lock.
//
// No wake-up is lost: an end looks and leaves its waker in one hold; who changes what it looks at takes the waker in the same
// hold. Wakers are cloned, called and dropped outside of it.
#include "pollux/io/detail/pipe.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

namespace pollux::inline v0::io::detail {

using pollux::detail::lock_scope;

pipe::pipe(std::size_t capacity) : capacity_(capacity), ring_(std::make_unique_for_overwrite<char[]>(capacity)) {}

bool pipe::is_ready(pipe_end end) const noexcept {
    if (is_shut_) return true;
    return end == pipe_end::reader ? size_ != 0 : is_reader_gone_ || size_ != capacity_;
}

bool pipe::look_or_wait(pipe_end end, const waker& to_wake) noexcept {
    {
        const lock_scope guard(lock_);
        if (is_ready(end)) return true;
        if (slot(end).is_clone_of(to_wake)) return false;
    }
    waker kept = to_wake;
    const lock_scope guard(lock_);
    if (is_ready(end)) return true;
    std::swap(slot(end), kept);
    return false;
}

std::size_t pipe::take_out(span to) noexcept {
    const std::size_t n = std::min(to.size(), size_);
    const std::size_t up_to_wrap = std::min(n, capacity_ - begin_);
    std::memcpy(to.data(), ring_.get() + begin_, up_to_wrap);
    std::memcpy(to.data() + up_to_wrap, ring_.get(), n - up_to_wrap);
    begin_ += n;
    if (begin_ >= capacity_) begin_ -= capacity_;
    size_ -= n;
    return n;
}

std::size_t pipe::put_in(const_span bytes) noexcept {
    const std::size_t n = std::min(bytes.size(), capacity_ - size_);
    const std::size_t behind_begin = capacity_ - begin_;
    const std::size_t end = size_ < behind_begin ? begin_ + size_ : size_ - behind_begin;
    const std::size_t up_to_wrap = std::min(n, capacity_ - end);
    std::memcpy(ring_.get() + end, bytes.data(), up_to_wrap);
    std::memcpy(ring_.get(), bytes.data() + up_to_wrap, n - up_to_wrap);
    size_ += n;
    return n;
}

pipe::count pipe::try_read(span to) noexcept {
    if (to.empty()) return 0;
    waker woken;
    std::size_t n = 0;
    {
        const lock_scope guard(lock_);
        if (!is_ready(pipe_end::reader)) return std::unexpected(std::make_error_code(std::errc::operation_would_block));
        n = take_out(to);
        if (n != 0) std::swap(woken, writer_);
    }
    std::move(woken).wake();
    return n;
}

pipe::count pipe::try_write(const_span bytes) noexcept {
    waker woken;
    std::size_t n = 0;
    {
        const lock_scope guard(lock_);
        if (is_shut_ || is_reader_gone_) return std::unexpected(std::make_error_code(std::errc::broken_pipe));
        if (bytes.empty()) return 0;
        if (size_ == capacity_) return std::unexpected(std::make_error_code(std::errc::operation_would_block));
        n = put_in(bytes);
        std::swap(woken, reader_);
    }
    std::move(woken).wake();
    return n;
}

polled<std::size_t, std::error_code> pipe::poll_read(context& cx, span to) {
    if (!to.empty() && !look_or_wait(pipe_end::reader, cx.waker())) return pending;
    if (!cx.consume_budget()) return pending;
    return try_read(to);
}

polled<std::size_t, std::error_code> pipe::poll_write(context& cx, const_span bytes) {
    if (!bytes.empty() && !look_or_wait(pipe_end::writer, cx.waker())) return pending;
    if (!cx.consume_budget()) return pending;
    return try_write(bytes);
}

void pipe::shut() noexcept {
    waker woken;
    {
        const lock_scope guard(lock_);
        is_shut_ = true;
        std::swap(woken, reader_);
    }
    std::move(woken).wake();
}

void pipe::leave(pipe* shared, pipe_end end) noexcept {
    waker woken;
    waker dropped;
    bool is_last = false;
    {
        const lock_scope guard(shared->lock_);
        std::swap(dropped, shared->slot(end));
        if (end == pipe_end::reader) {
            shared->is_reader_gone_ = true;
            std::swap(woken, shared->writer_);
            is_last = shared->is_writer_gone_;
        } else {
            shared->is_writer_gone_ = shared->is_shut_ = true;
            std::swap(woken, shared->reader_);
            is_last = shared->is_reader_gone_;
        }
    }
    if (is_last) delete shared;
    std::move(woken).wake();
}

}  // namespace pollux::inline v0::io::detail

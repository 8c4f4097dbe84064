// SPDX-License-Identifier: MIT
// Reads and writes of a descriptor_core through io_uring: see descriptor_core.hpp.
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "driver/reactor.hpp"
#include "io/descriptor_core.hpp"
#include "pollux/core/execution.hpp"

namespace pollux::inline v0::io::detail {

using pollux::detail::lock_scope;
using pollux::detail::reactor;
using pollux::detail::ring_driver;
using pollux::detail::ring_operation;

namespace {

// The position of the descriptor, as read() and write() have it.
constexpr auto at_position = static_cast<__u64>(-1);

}  // namespace

// Null: it has none, or there is no runtime, as the job will say. Throws: task_cancelled.
ring_driver* descriptor_core::ring_of(context& cx) const {
    if (!traits_.may_use_ring) return nullptr;
    pollux::detail::runtime_core* const core =
        cx.runtime() != nullptr ? cx.runtime() : pollux::detail::current_runtime();
    if (core == nullptr || core->options().io != io_driver::uring || core->is_simulated()) return nullptr;
    return reactor::of(*core).ring();
}

void descriptor_core::start_transfer(ring_driver& ring) noexcept {
    ring.add_owner();  // for the operation
    ring.add_owner();  // for this, as the operation may end meanwhile
    ring_ = &ring;
    add_owner();
    written_ = 0;
    has_faulted_ = false;
    bool is_started = false;
    if (act_ == act::read) {
        ahead_begin_ = ahead_end_ = 0;
        is_started = start_part();
    } else {
        result_ = give_back();
        is_started = take_waiting() && start_part();
    }
    if (is_started)
        ring.settle();
    else
        end_transfer();
    ring.drop_owner();
}

// False: the runtime ends.
bool descriptor_core::start_part() noexcept {
    io_uring_sqe entry{};
    entry.fd = fd_;
    entry.off = at_position;
    if (traits_.can_seek) position_ = ::lseek(fd_, 0, SEEK_CUR);
    if (act_ == act::read) {
        entry.opcode = IORING_OP_READ;
        entry.addr = reinterpret_cast<std::uintptr_t>(ahead_.get());
        entry.len = static_cast<std::uint32_t>(wanted_);
    } else {
        entry.opcode = IORING_OP_WRITE;
        entry.addr = reinterpret_cast<std::uintptr_t>(writing_.data() + written_);
        entry.len = static_cast<std::uint32_t>(writing_.size() - written_);
    }
    if (ring_->start(transfer_, entry)) return true;
    result_ = std::make_error_code(std::errc::operation_canceled);
    return false;
}

// Ended without having been done: when the thread ends that has submitted it, the kernel cancels it; or, where it waits for a page of a file,
// says that the memory is bad. If it is, it says so again. Not EAGAIN, as for sockets: that is what a descriptor answers which does not block.
bool descriptor_core::is_to_be_repeated(int result) noexcept {
    return result == -ECANCELED || result == -EINTR || (result == -EFAULT && !std::exchange(has_faulted_, true));
}

// A part that the kernel gives up half-way for such a reason answers with what it has done, but has not moved the position.
void descriptor_core::settle_position(int result) noexcept {
    if (!traits_.can_seek || result <= 0) return;
    const std::size_t asked = act_ == act::read ? wanted_ : writing_.size() - written_;
    if (static_cast<std::size_t>(result) != asked && ::lseek(fd_, 0, SEEK_CUR) == position_)
        ::lseek(fd_, result, SEEK_CUR);
}

// True: another part was started.
bool descriptor_core::goes_on_after(int result) noexcept {
    if (is_to_be_repeated(result)) {
        if (act_ == act::write) return goes_on();
        // In one hold: who leaves gives up what was started, or nothing is started any more.
        const lock_scope guard(lock_);
        return !is_left_ && start_part();
    }
    settle_position(result);
    result_ = std::error_code(result < 0 ? -result : 0, std::generic_category());
    if (act_ == act::read) {
        if (result > 0) ahead_end_ = static_cast<std::size_t>(result);
        return false;
    }
    if (result == 0) result_ = std::make_error_code(std::errc::io_error);  // for ever, it would be
    if (result > 0) written_ += static_cast<std::size_t>(result);
    if (!result_ && written_ != writing_.size()) return goes_on();
    written_ = 0;
    return take_waiting() && goes_on();
}

// The runtime ends only if there is no other part; what a file has accepted is in it then.
bool descriptor_core::goes_on() noexcept {
    if (start_part()) return true;
    if (act_ == act::read) return false;
    do {
        result_ = write_fully(fd_, const_span(writing_).subspan(written_));
        written_ = 0;
    } while (take_waiting());
    return false;
}

void descriptor_core::part_done(ring_operation& self, int result, unsigned) noexcept {
    descriptor_core& mine = *static_cast<transfer&>(self).of;
    if (mine.goes_on_after(result))
        mine.ring_->settle();  // it is ours until this returns: the next part ends behind it
    else
        mine.end_transfer();
}

void descriptor_core::end_transfer() noexcept {
    ring_driver* ring = nullptr;
    {
        const lock_scope guard(lock_);
        std::swap(ring, ring_);
        takes_more_ = false;  // it was not asked, if the runtime ends
    }
    wake();
    drop_owner();
    ring->drop_owner();
}

// A read that nobody waits for may wait for ever.
void descriptor_core::leave_transfer() noexcept {
    ring_driver* ring = nullptr;
    {
        const lock_scope guard(lock_);
        if (ring_ == nullptr) return;
        ring = ring_;
        ring->add_owner();
        ring->cancel(transfer_);
    }
    ring->settle();
    ring->drop_owner();
}

}  // namespace pollux::inline v0::io::detail

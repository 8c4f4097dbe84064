// SPDX-License-Identifier: MIT
#include "driver/ring.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/platform.hpp"

namespace pollux::inline v0::detail {

namespace {

// How often a full ring is offered to a kernel that takes nothing, before that is an error.
constexpr int most_offers = 8;

// Acquire: pairs with the kernel's release of what the index shows.
unsigned seen(const unsigned* index) noexcept {
    return std::atomic_ref(const_cast<unsigned&>(*index)).load(std::memory_order::acquire);
}
// Release: pairs with the kernel's acquire: shows what is before the index.
void show(unsigned* index, unsigned value) noexcept {
    std::atomic_ref(*index).store(value, std::memory_order::release);
}

unsigned* number_at(void* base, unsigned offset) noexcept {
    return reinterpret_cast<unsigned*>(static_cast<char*>(base) + offset);
}

int enter(int descriptor, unsigned submitted, unsigned awaited, unsigned flags, const void* argument,
          std::size_t bytes) noexcept {
    return static_cast<int>(::syscall(SYS_io_uring_enter, descriptor, submitted, awaited, flags, argument, bytes));
}

[[noreturn]] void refuse(int error) {
    throw std::system_error(error, std::system_category(),
                            error == EINVAL
                                ? "pollux: runtime: io = uring: the kernel is too old; it takes Linux 6.0 or "
                                  "newer, or use io_driver::epoll"
                                : "pollux: runtime: io = uring: io_uring_setup failed; the kernel, its "
                                  "io_uring_disabled or a filter of system calls forbids it, or use "
                                  "io_driver::epoll");
}

}  // namespace

// Not SINGLE_ISSUER and DEFER_TASKRUN: the seat of the driver goes from thread to thread, and others submit, too.
ring::ring(const setup& how) {
    io_uring_params asked{};
    asked.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
    // What an operation of a thread that computes has come to is seen with its next system call, or the next tick of the clock.
    if (how.has_one_caller) asked.flags |= IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    asked.cq_entries = how.completions;
    descriptor_ = static_cast<int>(::syscall(SYS_io_uring_setup, how.submissions, &asked));
    if (descriptor_ < 0) refuse(errno);
    // NODROP: none is lost when the completions are full.
    constexpr unsigned needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
    if ((asked.features & needed) != needed || !is_complete()) {
        unmap();
        refuse(EINVAL);
    }
    rings_.bytes = std::max(asked.sq_off.array + asked.sq_entries * sizeof(unsigned),
                            asked.cq_off.cqes + asked.cq_entries * sizeof(io_uring_cqe));
    entries_.bytes = asked.sq_entries * sizeof(io_uring_sqe);
    for (const auto& [part, offset] : {std::pair(&rings_, IORING_OFF_SQ_RING), std::pair(&entries_, IORING_OFF_SQES)}) {
        void* const at = ::mmap(nullptr, part->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, descriptor_,
                                static_cast<off_t>(offset));
        if (at == MAP_FAILED) {
            const int error = errno;
            unmap();
            refuse(error);
        }
        part->at = at;
    }
    submit_head_ = number_at(rings_.at, asked.sq_off.head);
    submit_tail_ = number_at(rings_.at, asked.sq_off.tail);
    flags_ = number_at(rings_.at, asked.sq_off.flags);
    complete_head_ = number_at(rings_.at, asked.cq_off.head);
    complete_tail_ = number_at(rings_.at, asked.cq_off.tail);
    submissions_ = static_cast<io_uring_sqe*>(entries_.at);
    completions_ = reinterpret_cast<io_uring_cqe*>(static_cast<char*>(rings_.at) + asked.cq_off.cqes);
    submit_count_ = asked.sq_entries;
    complete_count_ = asked.cq_entries;
    for (unsigned i = 0; i != submit_count_; ++i) number_at(rings_.at, asked.sq_off.array)[i] = i;
}

ring::~ring() { unmap(); }

// Features of operations have no flags of their own: the newest operation of the same kernel tells.
bool ring::is_complete() const noexcept {
    constexpr unsigned most_operations = 256;
    alignas(io_uring_probe) char answer[sizeof(io_uring_probe) + most_operations * sizeof(io_uring_probe_op)] = {};
    if (::syscall(SYS_io_uring_register, descriptor_, IORING_REGISTER_PROBE, answer, most_operations) != 0)
        return false;
    return reinterpret_cast<const io_uring_probe*>(answer)->last_op >= IORING_OP_SEND_ZC;
}

void ring::unmap() noexcept {
    for (const mapping& each : {rings_, entries_})
        if (each.at != nullptr) ::munmap(each.at, each.bytes);
    ::close(descriptor_);
}

// --- submissions -------------------------------------------------------------------------------------------------------------

unsigned ring::unsubmitted() const noexcept { return seen(submit_tail_) - seen(submit_head_); }

bool ring::push(const io_uring_sqe& entry) noexcept {
    for (int offers = 0; offers != most_offers; ++offers) {
        {
            const lock_scope guard(lock_);
            const unsigned tail = *submit_tail_;  // written under the lock only
            if (tail - seen(submit_head_) != submit_count_) {
                submissions_[tail & (submit_count_ - 1)] = entry;
                show(submit_tail_, tail + 1);
                return true;
            }
        }
        submit();
    }
    return false;
}

bool ring::submit() noexcept {
    const unsigned pushed = seen(submit_tail_);
    const unsigned count = pushed - seen(submit_head_);
    if (count != 0) enter(descriptor_, count, 0, 0, nullptr, 0);
    // Not by what it has answered: if others submit at the same time they may have taken it. What nobody takes now is the next one's.
    return static_cast<int>(seen(submit_head_) - pushed) >= 0;
}

// --- completions -------------------------------------------------------------------------------------------------------------

bool ring::has_completions() const noexcept { return *complete_head_ != seen(complete_tail_); }

void ring::wait(time_point deadline) noexcept {
    const unsigned count = unsubmitted();
    // Relaxed: what the kernel sets after this is found the next time, or ends the sleep.
    const unsigned flags = std::atomic_ref(*flags_).load(std::memory_order::relaxed);
    const bool are_kept_back = (flags & IORING_SQ_CQ_OVERFLOW) != 0;
    if (has_completions() || are_kept_back || deadline == time_point::min()) {
        if (count != 0 || are_kept_back || (flags & IORING_SQ_TASKRUN) != 0)
            enter(descriptor_, count, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
        return;
    }
    __kernel_timespec timeout{};
    io_uring_getevents_arg argument{};
    if (deadline != time_point::max()) {
        timeout = time_left<__kernel_timespec>(deadline);
        argument.ts = reinterpret_cast<std::uintptr_t>(&timeout);
    }
    // Interrupted by a signal, or if it does not take all that was pushed, it returns without a completion.
    enter(descriptor_, count, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
}

std::size_t ring::take(io_uring_cqe* to, std::size_t most) noexcept {
    const unsigned head = *complete_head_;  // only who has the seat writes it
    const std::size_t count = std::min<std::size_t>(seen(complete_tail_) - head, most);
    for (std::size_t i = 0; i != count; ++i) to[i] = completions_[(head + i) & (complete_count_ - 1)];
    show(complete_head_, head + static_cast<unsigned>(count));
    return count;
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
#include "driver/ring_driver.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "core/platform.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

namespace {

// User data that are no operation's address.
constexpr std::uint64_t nobodys = 0, of_sources = 1;

}  // namespace

ring_driver::ring_driver(runtime_core& core, event_driver& seat, source_set& sources, const setup& how)
    : core_(core),
      seat_(seat),
      sources_(sources),
      ring_(how.rings),
      buffers_(ring_.descriptor(), how.buffers, how.buffer_bytes),
      time_to_close_{.tv_sec = how.time_to_close.count(), .tv_nsec = 0} {
    watch_sources();
}

void ring_driver::drop_owner() noexcept {
    // Release: what this owner did with it; acquire: what the others did. Partner: this line.
    if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
}

// Each event in the set is one of this, until the kernel says otherwise.
void ring_driver::watch_sources() noexcept {
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_POLL_ADD;
    entry.fd = sources_.descriptor();
    entry.poll32_events = POLLIN;
    entry.len = IORING_POLL_ADD_MULTI;
    entry.user_data = of_sources;
    is_watching_ = ring_.push(entry);
}

// Sequentially consistent, as its store, the look behind that in close(), and what stands before this in start(), submit() and look(): close() sees
// that, or this sees close().
bool ring_driver::is_closed() const noexcept {
    return is_closed_.load(std::memory_order::seq_cst) || fork_guard_.is_in_child();
}

bool ring_driver::start(ring_operation& one, io_uring_sqe entry) noexcept {
    under_way_.fetch_add(1, std::memory_order::seq_cst);  // see is_closed()
    entry.user_data = reinterpret_cast<std::uintptr_t>(&one);
    if (!is_closed() && ring_.push(entry)) return true;
    under_way_.fetch_sub(1, std::memory_order::release);  // pairs with the acquire in close()
    return false;
}

bool ring_driver::cancel(ring_operation& one) noexcept {
    if (fork_guard_.is_in_child()) return true;  // it is the parent's
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_ASYNC_CANCEL;
    entry.fd = -1;
    entry.addr = reinterpret_cast<std::uintptr_t>(&one);
    entry.user_data = nobodys;
    return ring_.push(entry);
}

bool ring_driver::is_on_worker() const noexcept {
    const worker* const self = this_worker();
    // In block_in_place a worker does not come back soon.
    return self != nullptr && &self->core() == &core_ && waits_for_us.in_poll_of != &core_;
}

// What the kernel does not take (it has no memory, say) goes with the next wait, and that is far away for who sleeps in one.
void ring_driver::submit() noexcept {
    if (fork_guard_.is_in_child() || ring_.submit()) return;
    under_way_.fetch_add(1, std::memory_order::seq_cst);  // see is_closed()
    if (!is_closed()) sources_.interrupt();
    under_way_.fetch_sub(1, std::memory_order::release);  // pairs with the acquire in close()
}

void ring_driver::settle() noexcept {
    if (!is_on_worker()) submit();
}

void ring_driver::look() noexcept {
    under_way_.fetch_add(1, std::memory_order::seq_cst);  // see is_closed()
    if (!is_closed()) {
        if (seat_.try_enter()) {
            wait(time_point::min());
            hand_out();
            seat_.leave();
            // This thread does not come back to the seat: see event_driver.hpp.
            if (!is_on_worker())
                if (const auto sleeper = core_.idle().after_push()) core_.unpark(*sleeper);
        } else {
            submit();
        }
    }
    under_way_.fetch_sub(1, std::memory_order::release);  // pairs with the acquire in close()
}

void ring_driver::wait(time_point deadline) noexcept {
    ring_.wait(are_more_sources_ || !is_watching_ ? time_point::min() : deadline);
    ended_count_ = ring_.take(ended_.data(), ended_.size());
}

bool ring_driver::hand_out() noexcept {
    bool were_some = false;
    bool have_sources = are_more_sources_ || !is_watching_;
    // Acquire: pairs with start(). The kernel has ordered what it hands on; a thread sanitizer sees that here only.
    static_cast<void>(under_way_.load(std::memory_order::acquire));
    for (std::size_t i = 0; i != ended_count_; ++i) {
        const io_uring_cqe& one = ended_[i];
        if (one.user_data == nobodys) continue;
        if (one.user_data == of_sources) {
            have_sources = true;
            is_watching_ = (one.flags & IORING_CQE_F_MORE) != 0;
            continue;
        }
        were_some = true;
        auto& ended = *reinterpret_cast<ring_operation*>(static_cast<std::uintptr_t>(one.user_data));
        const bool is_over = (one.flags & IORING_CQE_F_MORE) == 0;
        ended.done(ended, one.res, one.flags);
        if (is_over) under_way_.fetch_sub(1, std::memory_order::release);  // pairs with the acquire in close()
    }
    ended_count_ = 0;
    if (!have_sources) return were_some;
    // Watched again before the look: an event after that look ends the next wait.
    if (!is_watching_) watch_sources();
    sources_.wait(time_point::min());
    are_more_sources_ = sources_.is_full();
    return sources_.hand_out() || were_some;
}

void ring_driver::interrupt() noexcept {
    if (fork_guard_.is_in_child()) return;
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_NOP;
    entry.user_data = nobodys;
    // The other way is longer; a kernel that has no memory for this one may have some for that.
    if (!ring_.push(entry) || !ring_.submit()) sources_.interrupt();
}

std::size_t ring_driver::close(time_point deadline) noexcept {
    if (!is_closed_.load(std::memory_order::relaxed)) {  // one calls it; the second time it has the seat
        while (!seat_.try_enter()) wait_a_turn();        // somebody looks; then nobody does any more
        is_closed_.store(true, std::memory_order::seq_cst);
        ring_.submit();
    }
    // Sequentially consistent: see is_closed(). It pairs with the release in hand_out(), too.
    for (std::size_t left = 0; (left = under_way_.load(std::memory_order::seq_cst)) != 0;) {
        const auto now = steady_now();
        if (now >= deadline) return left;
        io_uring_sqe entry{};
        entry.opcode = IORING_OP_ASYNC_CANCEL;
        entry.fd = -1;
        entry.cancel_flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
        entry.user_data = nobodys;
        ring_.push(entry);
        // Its own completion ends the first wait. A guess: one that was pushed late is found after a short while.
        wait(std::min(deadline, now + std::chrono::milliseconds(10)));
        hand_out();
    }
    return 0;
}

}  // namespace pollux::inline v0::detail

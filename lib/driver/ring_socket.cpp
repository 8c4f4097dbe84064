// SPDX-License-Identifier: MIT
// See ring_socket.hpp. What is written stands in ring_socket_writing.cpp.
#include "driver/ring_socket.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "core/system_call.hpp"
#include "driver/ring_answers.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

// --- making and leaving ------------------------------------------------------------------------------------------------------

namespace {

bool is_of_unix(int descriptor) noexcept {
    int domain = AF_UNSPEC;
    socklen_t size = sizeof domain;
    return ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

}  // namespace

ring_socket::ring_socket(ring_driver& driver, event_slot& place, int descriptor, kind what) noexcept
    : driver_(driver),
      place_(place),
      generation_(place.state.generation_of(place.state.look())),
      descriptor_(descriptor),
      kind_(what),
      goes_on_reading_(!is_of_unix(descriptor)),
      reading_{{&reading_done}, this},
      writing_{{&writing_done}, this},
      room_{{&room_done}, this},
      closing_{{&closing_done}, this} {
    driver.add_owner();
}

ring_socket::~ring_socket() {
    if (accepted_ >= 0) ::close(accepted_);
    driver_.drop_owner();
}

void ring_socket::drop_owner() noexcept {
    // Release: what this owner did with it; acquire: what the others did. Partner: this line.
    if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
}

event_slot* ring_socket::add(ring_driver& driver, source_set& sources, int descriptor, kind what, int& error) noexcept {
    event_slot* const place = sources.add_unwatched(error);
    if (place == nullptr) return nullptr;
    place->socket = new (std::nothrow) ring_socket(driver, *place, descriptor, what);
    if (place->socket != nullptr) return place;
    sources.remove_unwatched(*place);
    error = ENOMEM;
    return nullptr;
}

bool ring_socket::remove(event_slot& place) noexcept {
    ring_socket& self = *std::exchange(place.socket, nullptr);
    bool is_busy = false;
    {
        const lock_scope guard(self.lock_);
        self.is_left_ = true;
        is_busy = self.is_busy();
        self.give_up(self.reading_);
        self.give_up(self.room_);
        if (self.writing_.done == &connecting_done)
            self.give_up(self.writing_);
        else if (self.kind_ == kind::stream)
            self.settle_linger();
        // At once: its address is free, and its peers are refused, from now on, not when the operation has ended.
        if (self.kind_ == kind::listener && is_busy && !self.driver_.is_in_child())
            ::shutdown(self.descriptor_, SHUT_RD);
    }
    // First: what ends from now on is for nobody. The reactor keeps the set while anything is under way.
    place.home->remove_unwatched(place);
    // On workers, too: the peer is to find the end although this one goes on or waits for it.
    if (is_busy) {
        self.driver_.look();
        self.limit_closing();
    }
    self.drop_owner();
    return is_busy;
}

void ring_socket::give_up(operation& one) noexcept {
    // Without the cancellation this ends what is received.
    if (one.is_under_way && !driver_.cancel(one)) ::shutdown(descriptor_, SHUT_RD);
}

bool ring_socket::is_busy() const noexcept {
    return reading_.is_under_way || writing_.is_under_way || room_.is_under_way;
}

// The kernel may not know yet what was started with the descriptor, so its number stays till then.
void ring_socket::close_if_left() noexcept {
    if (is_left_ && !is_busy()) ::close(descriptor_);
}

// Under the lock, as all below that says nothing else. Its end needs an owner.
bool ring_socket::start(operation& one, const io_uring_sqe& entry) noexcept {
    owners_.fetch_add(1, std::memory_order::relaxed);  // whoever adds one is one
    one.is_under_way = driver_.start(one, entry);
    if (!one.is_under_way) owners_.fetch_sub(1, std::memory_order::relaxed);  // not the last
    return one.is_under_way;
}

void ring_socket::add_event(std::uint64_t bits) noexcept { place_.state.add(generation_, bits); }

bool ring_socket::buffer::reserve(std::size_t wanted) noexcept {
    begin = end = 0;
    if (wanted <= capacity) return true;
    capacity = 0;
    bytes.reset();  // first: both may not fit
    bytes.reset(new (std::nothrow) char[wanted]);
    if (bytes == nullptr) return false;
    capacity = wanted;
    return true;
}

bool ring_socket::buffer::append(const char* from, std::size_t added) noexcept {
    if (capacity - end < added) {
        const std::size_t held = size();
        if (capacity - held < added) {
            const std::size_t wanted = std::max(least_kept, std::bit_ceil(held + added));
            std::unique_ptr<char[]> larger(new (std::nothrow) char[wanted]);
            if (larger == nullptr) return false;
            if (held != 0) std::memcpy(larger.get(), bytes.get() + begin, held);
            bytes = std::move(larger);
            capacity = wanted;
        } else {
            std::memmove(bytes.get(), bytes.get() + begin, held);
        }
        begin = 0;
        end = held;
    }
    std::memcpy(bytes.get() + end, from, added);
    end += added;
    return true;
}

// --- reading -----------------------------------------------------------------------------------------------------------------

bool ring_socket::has_input() const noexcept { return input_.size() != 0; }

// Less than 0: there is nothing; EAGAIN: nothing is known.
std::ptrdiff_t ring_socket::take(const iovec* to, std::size_t count, bool leaves_them) noexcept {
    if (!has_input()) {
        if (reading_.error != 0) return failed(reading_.error);
        return is_at_end_ ? 0 : would_block();
    }
    std::size_t at = input_.begin;
    for (std::size_t i = 0; i != count; ++i) {
        const std::size_t n = std::min(to[i].iov_len, input_.end - at);
        if (n != 0) std::memcpy(to[i].iov_base, input_.bytes.get() + at, n);
        at += n;
    }
    const std::size_t taken = at - input_.begin;
    if (!leaves_them) {
        input_.begin = at;
        if (!has_input()) {
            input_.begin = input_.end = 0;
            if (input_.capacity > most_kept) input_ = buffer();
        }
    }
    return static_cast<std::ptrdiff_t>(taken);
}

bool ring_socket::start_receiving() noexcept {
    io_uring_sqe entry{};
    entry.fd = descriptor_;
    if (kind_ == kind::listener) {
        entry.opcode = IORING_OP_ACCEPT;
        entry.accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    } else {
        entry.opcode = IORING_OP_RECV;
        entry.flags = IOSQE_BUFFER_SELECT;
        entry.buf_group = ring_buffers::group;
        if (goes_on_reading_) entry.ioprio |= IORING_RECV_MULTISHOT;
        if (is_likely_empty_) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
        starter_ = this_worker();
        taken_elsewhere_ = 0;
    }
    return start(reading_, entry);
}

// EAGAIN, and an event comes; or another errno.
void ring_socket::block_reading() noexcept { errno = reading_.is_under_way || start_receiving() ? EAGAIN : ENOBUFS; }

// Every worker that reads submits what it has started, nearly always.
bool ring_socket::is_of_another_worker() noexcept {
    const worker* const taker = this_worker();
    const bool is_another = taker != nullptr && starter_ != nullptr && taker != starter_;
    taken_elsewhere_ = is_another ? taken_elsewhere_ + 1 : 0;
    return taken_elsewhere_ >= most_elsewhere;
}

// One part of what a stream receives, or its end.
void ring_socket::take_in(int result, unsigned flags) noexcept {
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
        // Behind a gap nothing comes any more.
        if (result > 0 && !is_left_ && !is_broken_ &&
            !input_.append(driver_.buffers().at(id), static_cast<std::size_t>(result)))
            result = -ENOMEM;  // the stream has a gap, so it ends here
        driver_.buffers().give_back(id);
    }
    if (result < 0) {
        // No buffer: they have come back by now.
        if (is_to_be_repeated(result) || result == -ENOBUFS) return;
        reading_.error = -result;
        is_broken_ = is_at_end_ = true;
        if (reading_.is_under_way) ::shutdown(descriptor_, SHUT_RD);
        return;
    }
    if (result == 0) is_at_end_ = true;
    is_likely_empty_ = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
    if (!reading_.is_under_way || is_stopping_) return;
    if (input_.size() >= most_bytes || is_of_another_worker()) is_stopping_ = driver_.cancel(reading_);
}

void ring_socket::reading_done(ring_operation& self, int result, unsigned flags) noexcept {
    ring_socket& mine = *static_cast<operation&>(self).of;
    const bool is_over = (flags & IORING_CQE_F_MORE) == 0;
    {
        const lock_scope guard(mine.lock_);
        if (is_over) mine.reading_.is_under_way = mine.is_stopping_ = false;
        if (mine.kind_ == kind::stream)
            mine.take_in(result, flags);
        else if (result >= 0)
            mine.accepted_ = result;
        else if (!is_to_be_repeated(result))
            mine.reading_.error = -result;
        if (is_over) mine.close_if_left();
    }
    mine.add_event(ready_bits::readable);
    mine.driver_.settle();
    if (is_over) mine.drop_owner();
}

std::ptrdiff_t ring_socket::receive(const iovec* to, std::size_t count, bool leaves_them) noexcept {
    std::ptrdiff_t answer = -1;
    {
        const lock_scope guard(lock_);
        answer = take(to, count, leaves_them);
        if (answer >= 0 || errno != EAGAIN) return answer;
        block_reading();
    }
    const int error = errno;
    driver_.settle();
    errno = error;
    return answer;
}

std::ptrdiff_t ring_socket::try_receive(const iovec* to, std::size_t count) noexcept {
    for (bool has_looked = false;; has_looked = true) {
        {
            const lock_scope guard(lock_);
            const auto answer = take(to, count, false);
            if (answer >= 0 || errno != EAGAIN) return answer;
            if (!reading_.is_under_way) {
                msghdr message{};
                message.msg_iov = const_cast<iovec*>(to);
                message.msg_iovlen = count;
                return uninterrupted([&] { return ::recvmsg(descriptor_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC); });
            }
        }
        if (has_looked) return would_block();
        driver_.look();  // it may have ended, and nobody has looked
    }
}

int ring_socket::accept() noexcept {
    {
        const lock_scope guard(lock_);
        if (accepted_ >= 0) return std::exchange(accepted_, -1);
        if (reading_.error != 0) return failed(reading_.error);
        block_reading();
        if (errno != EAGAIN) return -1;
    }
    driver_.settle();
    return would_block();
}

int ring_socket::readable() noexcept {
    {
        const lock_scope guard(lock_);
        if (has_input() || accepted_ >= 0 || is_at_end_ || reading_.error != 0) return 0;
        block_reading();
        if (errno != EAGAIN) return -1;
    }
    driver_.settle();
    return would_block();
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// Of a ring_socket: what it sends and connects to, and how long it goes on with that once it was left.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/system_call.hpp"
#include "driver/ring_answers.hpp"
#include "driver/ring_socket.hpp"

namespace pollux::inline v0::detail {

namespace {

std::size_t size_of(const iovec* parts, std::size_t count) noexcept {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i != count; ++i) bytes += parts[i].iov_len;
    return bytes;
}

}  // namespace

bool ring_socket::start_sending() noexcept {
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_SEND;
    entry.fd = descriptor_;
    entry.addr = reinterpret_cast<std::uintptr_t>(output_.bytes.get() + output_.begin);
    entry.len = static_cast<std::uint32_t>(output_.end - output_.begin);
    entry.msg_flags = MSG_NOSIGNAL | MSG_WAITALL;  // all of it, unless there is an error
    return start(writing_, entry);
}

std::ptrdiff_t ring_socket::send_now(const iovec* parts, std::size_t count) noexcept {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = count;
    return uninterrupted([&] { return ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
}

std::ptrdiff_t ring_socket::send(const iovec* parts, std::size_t count) noexcept {
    std::size_t sent = 0;
    {
        const lock_scope guard(lock_);
        if (writing_.is_under_way) return would_block();
        if (writing_.error != 0) return failed(writing_.error);
        if (is_broken_) {
            const auto n = send_now(parts, count);
            if (n >= 0 || errno != EAGAIN) return n;  // else by an operation, so that an event comes
        }
        if (!output_.reserve(std::min(size_of(parts, count), most_bytes))) {
            errno = ENOMEM;
            return -1;
        }
        for (std::size_t i = 0; i != count && output_.end != output_.capacity; ++i) {
            const std::size_t n = std::min(parts[i].iov_len, output_.capacity - output_.end);
            if (n != 0) std::memcpy(output_.bytes.get() + output_.end, parts[i].iov_base, n);
            output_.end += n;
        }
        sent = output_.end;
        if (!start_sending()) {
            errno = ENOBUFS;
            return -1;
        }
    }
    driver_.settle();
    return static_cast<std::ptrdiff_t>(sent);
}

std::ptrdiff_t ring_socket::try_send(const iovec* parts, std::size_t count) noexcept {
    for (bool has_looked = false;; has_looked = true) {
        {
            const lock_scope guard(lock_);
            if (!writing_.is_under_way) {
                return writing_.error != 0 ? failed(writing_.error) : send_now(parts, count);
            }
        }
        if (has_looked) return would_block();
        driver_.look();  // as in try_receive()
    }
}

int ring_socket::connect(const sockaddr* to, socklen_t bytes) noexcept {
    {
        const lock_scope guard(lock_);
        std::memcpy(&address_, to, std::min<std::size_t>(bytes, sizeof address_));
        io_uring_sqe entry{};
        entry.opcode = IORING_OP_CONNECT;
        entry.fd = descriptor_;
        entry.addr = reinterpret_cast<std::uintptr_t>(&address_);
        entry.off = bytes;
        writing_.done = &connecting_done;
        if (!start(writing_, entry)) {
            errno = ENOBUFS;
            return -1;
        }
    }
    driver_.settle();
    return 0;
}

bool ring_socket::start_waiting_for_room(operation& one) noexcept {
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_POLL_ADD;
    entry.fd = descriptor_;
    entry.poll32_events = POLLOUT;
    return start(one, entry);
}

void ring_socket::connecting_done(ring_operation& self, int result, unsigned) noexcept {
    ring_socket& mine = *static_cast<operation&>(self).of;
    bool goes_on = false;
    {
        const lock_scope guard(mine.lock_);
        mine.writing_.is_under_way = false;
        if (is_to_be_repeated(result)) {
            // It was begun, and cannot be begun twice.
            goes_on = !mine.is_left_ && mine.start_waiting_for_room(mine.writing_);
            if (!goes_on) mine.writing_.error = ECANCELED;
        } else if (result < 0) {
            mine.writing_.error = -result;
        } else if (result > 0) {
            socklen_t size = sizeof mine.writing_.error;
            ::getsockopt(mine.descriptor_, SOL_SOCKET, SO_ERROR, &mine.writing_.error, &size);
        }
        if (!goes_on) {
            mine.writing_.done = &writing_done;
            mine.close_if_left();
        }
    }
    if (goes_on)
        mine.driver_.settle();
    else
        mine.add_event(ready_bits::writable);
    mine.drop_owner();
}

void ring_socket::end_sending() noexcept {
    writing_.is_under_way = false;
    if (closing_.is_under_way) driver_.cancel(closing_);
    if (std::exchange(shuts_down_, false)) ::shutdown(descriptor_, SHUT_WR);
    close_if_left();
}

void ring_socket::writing_done(ring_operation& self, int result, unsigned) noexcept {
    ring_socket& mine = *static_cast<operation&>(self).of;
    bool goes_on = false;
    {
        const lock_scope guard(mine.lock_);
        if (result > 0) mine.output_.begin += static_cast<std::size_t>(result);
        if (result < 0 && !is_to_be_repeated(result)) {
            mine.writing_.error = -result;
        } else if (mine.gives_up_) {
            mine.writing_.error = ECANCELED;
        } else if (mine.output_.begin != mine.output_.end) {
            goes_on = mine.start_sending();
            if (!goes_on) mine.writing_.error = ECANCELED;  // the runtime ends
        }
        if (!goes_on) mine.end_sending();
    }
    if (!goes_on) mine.add_event(ready_bits::writable);
    mine.driver_.settle();
    mine.drop_owner();
}

// Also who has written to the system directly may wait for room.
int ring_socket::writable() noexcept {
    {
        const lock_scope guard(lock_);
        if (writing_.is_under_way || room_.is_under_way) return would_block();
        pollfd asked{descriptor_, POLLOUT, 0};
        if (writing_.error != 0 || ::poll(&asked, 1, 0) > 0) return 0;
        if (!start_waiting_for_room(room_)) {
            errno = ENOBUFS;
            return -1;
        }
    }
    driver_.settle();
    return would_block();
}

void ring_socket::room_done(ring_operation& self, int, unsigned) noexcept {
    ring_socket& mine = *static_cast<operation&>(self).of;
    {
        const lock_scope guard(mine.lock_);
        mine.room_.is_under_way = false;
        mine.close_if_left();
    }
    mine.add_event(ready_bits::writable);
    mine.drop_owner();
}

void ring_socket::limit_closing() noexcept {
    {
        const lock_scope guard(lock_);
        if (!writing_.is_under_way || closing_.is_under_way || writing_.done == &connecting_done) return;
        io_uring_sqe entry{};
        entry.opcode = IORING_OP_TIMEOUT;
        entry.fd = -1;
        entry.addr = reinterpret_cast<std::uintptr_t>(&driver_.time_to_close());
        entry.len = 1;
        if (!start(closing_, entry)) return;  // the runtime ends, and all operations with it
    }
    driver_.settle();
}

void ring_socket::closing_done(ring_operation& self, int result, unsigned) noexcept {
    ring_socket& mine = *static_cast<operation&>(self).of;
    {
        const lock_scope guard(mine.lock_);
        mine.closing_.is_under_way = false;
        if (!is_to_be_repeated(result) && mine.writing_.is_under_way) mine.give_up_sending();
    }
    // Also after that: a cancellation misses what the kernel is just at.
    mine.limit_closing();
    mine.drop_owner();
}

void ring_socket::give_up_sending() noexcept {
    gives_up_ = true;
    if (!driver_.cancel(writing_)) ::shutdown(descriptor_, SHUT_RDWR);
}

// Who serves the ring may be the one that closes it, and must not wait.
void ring_socket::settle_linger() noexcept {
    linger time{};
    socklen_t size = sizeof time;
    if (driver_.is_in_child() || ::getsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &time, &size) != 0 ||
        time.l_onoff == 0)
        return;
    if (time.l_linger == 0) {
        if (writing_.is_under_way) give_up_sending();
        return;
    }
    time.l_onoff = 0;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &time, sizeof time);
}

int ring_socket::flush() noexcept {
    const lock_scope guard(lock_);
    if (writing_.is_under_way) return would_block();
    return writing_.error != 0 ? failed(writing_.error) : 0;
}

int ring_socket::shut_down_write() noexcept {
    const lock_scope guard(lock_);
    if (!writing_.is_under_way) return ::shutdown(descriptor_, SHUT_WR);
    shuts_down_ = true;
    return 0;
}

}  // namespace pollux::inline v0::detail

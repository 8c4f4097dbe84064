// SPDX-License-Identifier: MIT
#include "driver/ring_socket.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace pollux::inline v0::detail {

namespace {

std::size_t size_of(const iovec* parts, std::size_t count) noexcept {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i != count; ++i) bytes += parts[i].iov_len;
    return bytes;
}

int would_block() noexcept {
    errno = EAGAIN;
    return -1;
}

int failed(int& error) noexcept {
    errno = std::exchange(error, 0);
    return -1;
}

// Ended without having been done: when the thread ends that has submitted it, the kernel cancels it.
bool is_to_be_repeated(int result) noexcept { return result == -ECANCELED || result == -EINTR || result == -EAGAIN; }

template <class Call>
std::ptrdiff_t uninterrupted(Call call) noexcept {
    for (;;) {
        const std::ptrdiff_t answer = call();
        if (answer >= 0 || errno != EINTR) return answer;
    }
}

}  // namespace

// --- making and leaving ------------------------------------------------------------------------------------------------------

ring_socket::ring_socket(ring_driver& driver, event_slot& place, int descriptor, kind what) noexcept
    : driver_(driver),
      place_(place),
      generation_(place.state.generation_of(place.state.look())),
      descriptor_(descriptor),
      kind_(what),
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
        const bool is_connecting = self.writing_.done == &connecting_done;
        for (operation* const each : {&self.reading_, &self.room_, is_connecting ? &self.writing_ : &self.room_})
            // Without it, this ends what is received; the peer of a listener finds nobody.
            if (each->is_under_way && !self.driver_.cancel(*each)) ::shutdown(self.descriptor_, SHUT_RD);
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
        entry.ioprio = IORING_RECV_MULTISHOT;
        if (is_likely_empty_) entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
    }
    return start(reading_, entry);
}

// EAGAIN, and an event comes; or another errno.
void ring_socket::block_reading() noexcept { errno = reading_.is_under_way || start_receiving() ? EAGAIN : ENOBUFS; }

// One part of what a stream receives, or its end.
void ring_socket::take_in(int result, unsigned flags) noexcept {
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        const unsigned id = flags >> IORING_CQE_BUFFER_SHIFT;
        if (result > 0 && !is_left_ && !input_.append(driver_.buffers().at(id), static_cast<std::size_t>(result)))
            result = -ENOMEM;  // the stream has a gap, so it ends here
        driver_.buffers().give_back(id);
    }
    if (result < 0) {
        // No buffer: they have come back by now.
        if (is_to_be_repeated(result) || result == -ENOBUFS) return;
        reading_.error = -result;
        is_broken_ = true;
        if (reading_.is_under_way) ::shutdown(descriptor_, SHUT_RD);
        return;
    }
    if (result == 0) is_at_end_ = true;
    is_likely_empty_ = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
    if (reading_.is_under_way && input_.size() >= most_bytes && !is_stopping_) is_stopping_ = driver_.cancel(reading_);
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

// --- writing -----------------------------------------------------------------------------------------------------------------

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
        if (is_broken_) return send_now(parts, count);
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

// It was begun, and cannot be begun twice.
bool ring_socket::wait_for_connection() noexcept {
    io_uring_sqe entry{};
    entry.opcode = IORING_OP_POLL_ADD;
    entry.fd = descriptor_;
    entry.poll32_events = POLLOUT;
    return start(writing_, entry);
}

void ring_socket::connecting_done(ring_operation& self, int result, unsigned) noexcept {
    ring_socket& mine = *static_cast<operation&>(self).of;
    bool goes_on = false;
    {
        const lock_scope guard(mine.lock_);
        mine.writing_.is_under_way = false;
        if (is_to_be_repeated(result)) {
            goes_on = !mine.is_left_ && mine.wait_for_connection();
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
        io_uring_sqe entry{};
        entry.opcode = IORING_OP_POLL_ADD;
        entry.fd = descriptor_;
        entry.poll32_events = POLLOUT;
        if (!start(room_, entry)) {
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
    bool is_over = false;
    {
        const lock_scope guard(mine.lock_);
        mine.closing_.is_under_way = false;
        is_over = !is_to_be_repeated(result);
        if (is_over && mine.writing_.is_under_way) {
            mine.gives_up_ = true;
            if (!mine.driver_.cancel(mine.writing_)) ::shutdown(mine.descriptor_, SHUT_RDWR);
        }
    }
    if (is_over)
        mine.driver_.settle();
    else
        mine.limit_closing();
    mine.drop_owner();
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

// SPDX-License-Identifier: MIT
#include "pollux/net/detail/stream_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <type_traits>

#include "driver/ring_socket.hpp"
#include "net/system.hpp"
#include "net/transfer.hpp"

namespace pollux::inline v0::net::detail {

namespace {

using answer = polled<std::size_t, std::error_code>;
using bits = pollux::detail::ready_bits;
using pollux::detail::ring_socket;

// Of one call: so many fit on the stack, and more gain little.
constexpr std::size_t most_parts = 64;

iovec part_of(io::const_span bytes) noexcept { return {const_cast<char*>(bytes.data()), bytes.size()}; }

struct part_list {
    template <class Spans>
    explicit part_list(Spans spans) noexcept {
        for (const auto& each : spans) {
            if (count == most_parts) break;
            if (each.empty()) continue;  // of nothing but these the system would make an end
            parts[count++] = part_of(each);
            bytes += each.size();
        }
        message.msg_iov = parts;
        message.msg_iovlen = count;
    }

    iovec parts[most_parts];
    std::size_t count = 0;
    std::size_t bytes = 0;
    msghdr message{};
};

std::ptrdiff_t broken_pipe() noexcept {
    errno = EPIPE;
    return -1;
}

answer nothing_to_do(context& cx) noexcept { return cx.consume_budget() ? answer(0uz) : answer(pending); }

std::ptrdiff_t transfer(int descriptor, io::span to) noexcept { return receive(descriptor, to, 0); }
std::ptrdiff_t transfer(int descriptor, io::const_span bytes) noexcept { return transmit(descriptor, bytes); }
std::ptrdiff_t transfer(ring_socket& ring, io::span to) noexcept {
    const iovec part{to.data(), to.size()};
    return ring.receive(&part, 1, false);
}
std::ptrdiff_t transfer(ring_socket& ring, io::const_span bytes) noexcept {
    const iovec part = part_of(bytes);
    return ring.send(&part, 1);
}

template <direction which, class Bytes>
[[gnu::noinline]] answer poll_in_full(source& io, context& cx, Bytes bytes) {
    if (bytes.empty()) return nothing_to_do(cx);
    return io.poll_io(cx, which, bytes.size(), [&io, bytes](int descriptor) {
        if (auto* const ring = io.ring()) {
            if (which == direction::write && io.is_writing_shut()) return broken_pipe();
            return transfer(*ring, bytes);
        }
        return transfer(descriptor, bytes);
    });
}

// Behind a call that has failed.
template <direction which, class Bytes>
[[gnu::noinline]] answer poll_on(source& io, context& cx, Bytes bytes, readiness_seen seen) {
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK)
        io.would_block(which, seen);
    else if (error != EINTR)
        return std::unexpected(std::error_code(error, std::system_category()));
    return poll_in_full<which>(io, cx, bytes);
}

// As poll_in_full(), and no more of it than what nearly every call comes to: it waits again, or there are bytes.
template <direction which, class Bytes>
[[gnu::always_inline]] inline answer poll_in_short(source& io, context& cx, Bytes bytes) {
    auto* const slot = io.watched();
    auto* const budget = cx.budget();
    if (slot == nullptr || bytes.empty() || budget == nullptr || budget->runtime == nullptr || budget->chunk_left <= 0)
        return poll_in_full<which>(io, cx, bytes);
    const readiness_seen seen{slot->state.look()};
    if (!seen.is_worth_a_try(which)) {
        if (slot->state.wait_again(which == direction::read ? bits::for_reading : bits::for_writing, cx.waker()))
            return pending;
        return poll_in_full<which>(io, cx, bytes);
    }
    budget->take_unit();
    const auto done = transfer(io.descriptor(), bytes);
    if (done < 0) [[unlikely]]
        return poll_on<which>(io, cx, bytes, seen);
    const auto n = static_cast<std::size_t>(done);
    if (n != 0 && n < bytes.size() && seen.tells_by_parts(which))
        slot->state.give_up(seen.word, which == direction::read ? bits::readable : bits::writable);
    return n;
}

}  // namespace

answer stream_socket::poll_read(context& cx, io::span to) { return poll_in_short<direction::read>(io_, cx, to); }

answer stream_socket::poll_write(context& cx, io::const_span bytes) {
    return poll_in_short<direction::write>(io_, cx, bytes);
}

answer stream_socket::poll_read_vectored(context& cx, std::span<const io::span> to) {
    part_list list(to);
    if (list.bytes == 0) return nothing_to_do(cx);
    return io_.poll_io(cx, direction::read, list.bytes, [&](int descriptor) {
        if (auto* const ring = io_.ring()) return ring->receive(list.parts, list.count, false);
        return ::recvmsg(descriptor, &list.message, MSG_CMSG_CLOEXEC);
    });
}

answer stream_socket::poll_write_vectored(context& cx, std::span<const io::const_span> bytes) {
    part_list list(bytes);
    if (list.bytes == 0) return nothing_to_do(cx);
    return io_.poll_io(cx, direction::write, list.bytes, [&](int descriptor) {
        if (auto* const ring = io_.ring())
            return io_.is_writing_shut() ? broken_pipe() : ring->send(list.parts, list.count);
        return ::sendmsg(descriptor, &list.message, MSG_NOSIGNAL);
    });
}

polled<void, std::error_code> stream_socket::poll_flush(context& cx) {
    auto* const ring = io_.ring();
    if (ring == nullptr) return polled<void, std::error_code>::ready();
    auto flushed = io_.poll_io(cx, direction::write, 0, [ring](int) { return ring->flush(); });
    if (flushed.is_pending()) return pending;
    if (flushed.has_error()) return std::unexpected(flushed.error());
    return polled<void, std::error_code>::ready();
}

polled<void, std::error_code> stream_socket::poll_shutdown(context& cx) {
    if (io_.ring() != nullptr) {
        auto flushed = poll_flush(cx);
        if (flushed.is_pending()) return pending;
        if (flushed.has_error()) {
            static_cast<void>(shutdown_write());  // the peer finds an end all the same
            return flushed;
        }
    } else if (!cx.consume_budget()) {
        return pending;
    }
    return shutdown_write();
}

std::expected<std::size_t, std::error_code> stream_socket::try_read(io::span to) noexcept {
    if (to.empty()) return 0;
    std::ptrdiff_t n = -1;
    if (auto* const ring = io_.ring()) {
        const iovec part{to.data(), to.size()};
        n = ring->try_receive(&part, 1);
    } else {
        n = uninterrupted([&] { return receive(io_.descriptor(), to, MSG_DONTWAIT); });
    }
    if (n < 0) return std::unexpected(last_error());
    return static_cast<std::size_t>(n);
}

std::expected<std::size_t, std::error_code> stream_socket::try_write(io::const_span bytes) noexcept {
    if (bytes.empty()) return 0;
    std::ptrdiff_t n = -1;
    if (auto* const ring = io_.ring()) {
        const iovec part = part_of(bytes);
        n = ring->try_send(&part, 1);
    } else {
        n = uninterrupted([&] { return transmit(io_.descriptor(), bytes, MSG_DONTWAIT); });
    }
    if (n < 0) return std::unexpected(last_error());
    return static_cast<std::size_t>(n);
}

status stream_socket::shutdown_write() noexcept {
    auto* const ring = io_.ring();
    if ((ring != nullptr ? ring->shut_down_write() : ::shutdown(io_.descriptor(), SHUT_WR)) != 0 && errno != ENOTCONN)
        return std::unexpected(last_error());
    io_.shut_writing();
    return {};
}

}  // namespace pollux::inline v0::net::detail

// SPDX-License-Identifier: MIT
#include "pollux/net/detail/stream_socket.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <type_traits>

#include "net/system.hpp"
#include "net/transfer.hpp"

namespace pollux::inline v0::net::detail {

namespace {

using answer = polled<std::size_t, std::error_code>;

// Of one call: so many fit on the stack, and more gain little.
constexpr std::size_t most_parts = 64;

struct part_list {
    template <class Spans>
    explicit part_list(Spans spans) noexcept : count(std::min(spans.size(), most_parts)) {
        for (std::size_t i = 0; i != count; ++i) {
            parts[i] = {const_cast<char*>(spans[i].data()), spans[i].size()};
            bytes += spans[i].size();
        }
        message.msg_iov = parts;
        message.msg_iovlen = count;
    }

    iovec parts[most_parts];
    std::size_t count;
    std::size_t bytes = 0;
    msghdr message{};
};

answer nothing_to_do(context& cx) noexcept { return cx.consume_budget() ? answer(0uz) : answer(pending); }

}  // namespace

answer stream_socket::poll_read(context& cx, io::span to) {
    if (to.empty()) return nothing_to_do(cx);
    return io_.poll_io(cx, direction::read, to.size(), [to](int descriptor) { return receive(descriptor, to, 0); });
}

answer stream_socket::poll_write(context& cx, io::const_span bytes) {
    if (bytes.empty()) return nothing_to_do(cx);
    return io_.poll_io(cx, direction::write, bytes.size(),
                       [bytes](int descriptor) { return transmit(descriptor, bytes); });
}

answer stream_socket::poll_read_vectored(context& cx, std::span<const io::span> to) {
    part_list list(to);
    if (list.bytes == 0) return nothing_to_do(cx);
    return io_.poll_io(cx, direction::read, list.bytes,
                       [&list](int descriptor) { return ::recvmsg(descriptor, &list.message, MSG_CMSG_CLOEXEC); });
}

answer stream_socket::poll_write_vectored(context& cx, std::span<const io::const_span> bytes) {
    part_list list(bytes);
    if (list.bytes == 0) return nothing_to_do(cx);
    return io_.poll_io(cx, direction::write, list.bytes,
                       [&list](int descriptor) { return ::sendmsg(descriptor, &list.message, MSG_NOSIGNAL); });
}

polled<void, std::error_code> stream_socket::poll_shutdown(context& cx) {
    if (!cx.consume_budget()) return pending;
    return shutdown_write();
}

std::expected<std::size_t, std::error_code> stream_socket::try_read(io::span to) noexcept {
    if (to.empty()) return 0;
    const auto n = uninterrupted([&] { return receive(io_.descriptor(), to, MSG_DONTWAIT); });
    if (n < 0) return std::unexpected(last_error());
    return static_cast<std::size_t>(n);
}

std::expected<std::size_t, std::error_code> stream_socket::try_write(io::const_span bytes) noexcept {
    if (bytes.empty()) return 0;
    const auto n = uninterrupted([&] { return transmit(io_.descriptor(), bytes, MSG_DONTWAIT); });
    if (n < 0) return std::unexpected(last_error());
    return static_cast<std::size_t>(n);
}

status stream_socket::shutdown_write() noexcept {
    if (::shutdown(io_.descriptor(), SHUT_WR) == 0 || errno == ENOTCONN) return {};
    return std::unexpected(last_error());
}

}  // namespace pollux::inline v0::net::detail

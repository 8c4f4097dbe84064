// SPDX-License-Identifier: MIT
// What a tcp_listener and a unix_listener have in common: all but where they are bound.
#pragma once

#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/net/detail/basic_socket.hpp"
#include "pollux/net/detail/operation.hpp"
#include "pollux/net/detail/socket_future.hpp"
#include "pollux/net/source.hpp"
#include "pollux/time/sleep.hpp"

namespace pollux::inline v0::net::detail {

/// One connection after the other. Those that were given up before anybody took them are passed over. Where the system has no
/// descriptor or no memory left it waits, longer each time, and tries again: else its caller would spin, or stop serving.
class POLLUX_API accepting {
public:
    explicit accepting(source& from) noexcept : from_(from) {}

    /// Errors: those of accept4 that are of the listener; operation_canceled once the runtime has ended.
    polled<source, std::error_code> poll(context& cx);

private:
    using milliseconds = std::chrono::milliseconds;
    // The first rest, a guess; it doubles from there up to the longest, after which free descriptors are noticed soon enough.
    static constexpr milliseconds first_rest{10}, longest_rest{250};

    source& from_;
    waiter_in_future waiter_;
    pollux::detail::slot<sleep> rest_;
    milliseconds next_rest_ = first_rest;
};

template <class Stream>
class [[nodiscard]] incoming_stream {
public:
    using value_type = Stream;
    using error_type = std::error_code;

    explicit incoming_stream(source& from) noexcept : from_(from) {}

    polled<std::optional<Stream>, std::error_code> poll_next(context& cx) {
        auto accepted = from_.poll(cx);
        if (accepted.is_pending()) return pending;
        if (accepted.has_error()) return std::unexpected(accepted.error());
        return std::optional<Stream>(Stream(std::move(accepted.value())));
    }

private:
    accepting from_;
};

template <class Stream>
class listener : public basic_socket {
public:
    /// A future: the next connection. Several tasks may wait at once, each gets another. Connections that were reset before they were
    /// taken are passed over. While the process or the system has no descriptors or no memory left (EMFILE, ENFILE, ENOBUFS, ENOMEM) it
    /// waits, for 10 ms and then longer, up to 250 ms, and goes on once there are some.
    ///
    /// Errors: `std::errc::operation_canceled` once the runtime has ended; what else accept4 fails with, which is then of the listener.
    /// Cancel: dropping it loses nothing: the connection goes to the next.
    /// Cost: one system call; no allocation.
    socket_future<Stream, accepting> accept() noexcept { return socket_future<Stream, accepting>(accepting(io_)); }

    /// A stream of the connections. It borrows the listener, and does not end; after an error that is not of the end of the runtime it
    /// goes on. Cancel: dropping it loses nothing.
    incoming_stream<Stream> incoming() noexcept { return incoming_stream<Stream>(io_); }

protected:
    explicit listener(source io) noexcept : basic_socket(std::move(io).as(source_kind::listener)) {}
};

}  // namespace pollux::inline v0::net::detail

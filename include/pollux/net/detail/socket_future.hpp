// SPDX-License-Identifier: MIT
// Futures that give a socket. What they wait for is code, in lib/net, and gives a source; here it becomes the socket of that kind.
#pragma once

#include <expected>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/address_lookup.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

/// `From` has poll(context&) -> polled<source, std::error_code>.
template <class Socket, class From>
class [[nodiscard]] socket_future {
public:
    using value_type = Socket;
    using error_type = std::error_code;

    explicit socket_future(From from) noexcept : from_(std::move(from)) {}

    polled<Socket, std::error_code> poll(context& cx) {
        auto made = from_.poll(cx);
        if (made.is_pending()) return pending;
        if (made.has_error()) return std::unexpected(made.error());
        return Socket(std::move(made.value()));
    }

private:
    From from_;
};

/// Makes a socket for an address, without waiting.
using opener = std::expected<source, std::error_code> (*)(const socket_address& at) noexcept;

/// A socket that waits for nothing but the name in its address.
class POLLUX_API opening {
public:
    opening(address at, opener open) noexcept : at_(std::move(at)), open_(open) {}

    /// Tries the addresses one after the other. Errors: that of the last.
    polled<source, std::error_code> poll(context& cx);

private:
    address_lookup at_;
    opener open_;
};

template <class Socket>
using open_future = socket_future<Socket, opening>;

}  // namespace pollux::inline v0::net::detail

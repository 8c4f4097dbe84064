// SPDX-License-Identifier: MIT
// The operations of sockets that move bytes and may be waited for by several tasks: see detail/operation.hpp.
#pragma once

#include <cstddef>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/io/span.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

/// What those have in common that give a number of bytes.
template <direction way>
struct byte_operation {
    using value_type = std::size_t;

    direction which() const noexcept { return way; }
    std::size_t result(std::size_t n) const noexcept { return n; }
};

struct POLLUX_API sending : byte_operation<direction::write> {
    explicit sending(io::const_span of) noexcept : bytes(of) {}
    std::ptrdiff_t operator()(int descriptor) const noexcept;

    io::const_span bytes;
};

/// Of datagrams: an empty span takes one, too.
struct POLLUX_API receiving : byte_operation<direction::read> {
    explicit receiving(io::span where) noexcept : to(where) {}
    std::ptrdiff_t operator()(int descriptor) const noexcept;

    io::span to;
};

/// What is received and left where it is.
struct POLLUX_API peeking : byte_operation<direction::read> {
    peeking(const source& from, io::span where) noexcept : on(&from), to(where) {}
    std::ptrdiff_t operator()(int descriptor) const noexcept;

    const source* on;
    io::span to;
};

struct POLLUX_API receiving_from {
    using value_type = std::pair<std::size_t, socket_address>;

    explicit receiving_from(io::span where) noexcept : to(where) {}
    direction which() const noexcept { return direction::read; }
    std::ptrdiff_t operator()(int descriptor) noexcept;
    value_type result(std::size_t n) const noexcept { return {n, from}; }

    io::span to;
    socket_address from;  // of the last call
};

}  // namespace pollux::inline v0::net::detail

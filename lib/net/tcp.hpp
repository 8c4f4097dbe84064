// SPDX-License-Identifier: MIT
// Sockets of TCP for one address each.
#pragma once

#include <expected>
#include <system_error>

#include "pollux/net/socket_address.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

/// A connection on its way. Errors: errc::bad_address if it is no address of the internet; those of socket and connect.
std::expected<source, std::error_code> begin_connect(const socket_address& to) noexcept;

}  // namespace pollux::inline v0::net::detail

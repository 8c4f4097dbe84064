// SPDX-License-Identifier: MIT
// Sockets of TCP for one address each.
#pragma once

#include <expected>
#include <system_error>

#include "pollux/core/context.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

/// A connection on its way. Errors: errc::bad_address if it is no address of the internet; those of socket and connect.
/// Throws: as source::poll_ready().
std::expected<source, std::error_code> begin_connect(context& cx, const socket_address& to);

}  // namespace pollux::inline v0::net::detail

// SPDX-License-Identifier: MIT
// `resolve`: the addresses of a name, by the system's getaddrinfo on a thread for what blocks.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "pollux/core/export.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/offload/blocking.hpp"

namespace pollux::inline v0::net {

namespace detail {

/// The job.
struct lookup {
    POLLUX_API std::expected<std::vector<socket_address>, std::error_code> operator()() const;

    std::string host;
    std::uint16_t port;
};

}  // namespace detail

/// The addresses of `host`, a name or a numeric address without brackets, each with `port`, in the order in which the system
/// recommends to try them. There is at least one.
///
/// Errors: of `resolve_category()`. Throws: as `blocking`, on which it runs.
/// Cancel: dropping it forgets the answer; a system call that runs goes on and keeps its thread.
/// Cost: a job of `blocking`, and what the system does: files, and the network.
inline auto resolve(std::string host, std::uint16_t port) { return blocking(detail::lookup{std::move(host), port}); }

}  // namespace pollux::inline v0::net

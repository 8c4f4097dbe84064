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
#include "pollux/core/owned_text.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/offload/fallible_job.hpp"

namespace pollux::inline v0::net {

namespace detail {

/// The job.
struct lookup {
    POLLUX_API std::expected<std::vector<socket_address>, std::error_code> operator()() const;

    std::string host;
    std::uint16_t port;
};

using lookup_future = pollux::detail::fallible_job_future<lookup>;

}  // namespace detail

/// The addresses of `host`, a name or a numeric address without brackets in a string of any type, each with `port`, in the order in which
/// the system recommends to try them. There is at least one.
///
/// Errors: of `resolve_category()`; `std::errc::operation_canceled` if the runtime ended before the call; what starting a thread fails
/// with.
/// Throws: when polled, no_runtime outside a runtime; std::bad_alloc.
/// Cancel: dropping it forgets the answer; a system call that runs goes on and keeps its thread.
/// Cost: a job of `blocking`, and what the system does: files, and the network.
inline auto resolve(pollux::detail::owned_text host, std::uint16_t port) {
    return detail::lookup_future({std::move(host.text), port});
}

}  // namespace pollux::inline v0::net

// SPDX-License-Identifier: MIT
// What one client of `pollux serve` is told: a reply to each of its requests, in their order, one request at a time. The server spawns
// it; it calls client_stream, and the CPU pool for what costs time.
//
// The next request is looked at when the reply before it was taken by the system. So a client that does not read is not read either,
// and holds no more than one reply.

#pragma once

#include "pollux/coro.hpp"
#include "pollux/runtime.hpp"

#include "client_stream.hpp"

#include <cstdint>

namespace pollux_tool {

/// Until the client has sent all, has done something wrong, or the server ends; the connection is over then. `runtime` is the one
/// that `stats` tells of.
pollux::task<> talk_to_client(const pollux::runtime& runtime, client_stream& client, std::uint64_t max_body);

}  // namespace pollux_tool

// SPDX-License-Identifier: MIT
// A descriptor's place among those that a reactor watches (lib/driver/source_set.hpp). Here, so that a look at its word is no call.
#pragma once

#include <cstdint>

#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/driver/readiness.hpp"

namespace pollux::inline v0::detail {

class ring_socket;
class source_set;

struct event_slot {
    // What makes its events, if epoll does not. Operations ask, so it stands beside the word of `state`.
    ring_socket* socket = nullptr;
    readiness<waker, std_sync> state;
    source_set* home = nullptr;
    std::uint32_t index = 0;
    event_slot* next_free = nullptr;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// Connecting to one of several addresses: RFC 8305 without its parts that are of the resolver. Attempts begin one after the other, each
// 250 ms after the one before or as soon as one has failed, and go on side by side; the first connection wins, the others are closed.
//
// Threads: one at a time, as the future that it is in.
#pragma once

#include <chrono>
#include <cstddef>
#include <system_error>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/net/detail/address_lookup.hpp"
#include "pollux/net/source.hpp"
#include "pollux/time/sleep.hpp"

namespace pollux::inline v0::net::detail {

class connect_race {
public:
    explicit connect_race(address_lookup::addresses to);

    /// Errors: that of the attempt that failed last.
    polled<source, std::error_code> poll(context& cx);

    /// The same addresses: families in turn, beginning with that of the first; each family in its own order.
    static std::vector<socket_address> in_turn(address_lookup::addresses of);

private:
    // As the RFC recommends.
    static constexpr std::chrono::milliseconds head_start{250};

    /// The first connection that is there; failed attempts leave.
    polled<source, std::error_code> poll_running(context& cx);
    void begin_next(context& cx);

    const std::vector<socket_address> to_;
    std::size_t next_ = 0;         // of to_
    std::vector<source> running_;  // in the order of their beginning; there is room for all
    bool has_failed_one_ = false;  // so the next begins at once
    std::error_code error_;
    pollux::detail::slot<sleep> delay_;
};

}  // namespace pollux::inline v0::net::detail

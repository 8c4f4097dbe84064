// SPDX-License-Identifier: MIT
// The signals that have come to this process, by number: what signal_stream sees of the handler. The handler is in arrivals.cpp.
// Threads: any, but none in a signal handler.
#pragma once

#include <cstdint>

namespace pollux::inline v0::signal::detail {

struct arrivals_seen {
    int descriptor;  // the caller's own, close-on-exec; ready for reading, again and again, after each signal; nobody reads from it
    std::uint64_t count;  // how many had come before
};

/// One stream more of that signal: the handler is there when this returns.
/// Throws: std::invalid_argument, std::system_error, as signal::on; then there is no stream more.
arrivals_seen join_arrivals(int number);

/// One stream less; its descriptor is closed already.
void leave_arrivals(int number) noexcept;

/// How many have come, of a signal that has a stream.
std::uint64_t count_arrivals(int number) noexcept;

}  // namespace pollux::inline v0::signal::detail

// SPDX-License-Identifier: MIT
// The connection of one client of `pollux serve`, with the server's limits: how long it is waited for, and how much of it is held. Lines
// and bodies come out, replies go in. client_session calls it; it calls the socket.
//
// Held at most: a line and read_room bytes behind it, and the pieces that were handed out. While the client is waited for between two
// requests nothing is held: a read that has to wait gives its buffer back.
// Threads: one at a time.

#pragma once

#include "pollux/coro.hpp"
#include "pollux/net.hpp"
#include "pollux/sync.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace pollux_tool {

struct client_limits {
    std::size_t max_line;               // bytes, without the line's end
    std::chrono::milliseconds idle;     // how long a read or a write may wait for the client
    pollux::cancellation_token ending;  // from then on no request is waited for
};

/// Why a connection ends. With a text the client is told; without one there is nothing to say, or nobody to hear it.
struct farewell {
    std::string what = {};
};

/// Some of a body.
struct body_piece {
    std::unique_ptr<std::byte[]> bytes = {};
    std::size_t size = 0;

    std::span<const std::byte> view() const { return {bytes.get(), size}; }
};

class client_stream {
public:
    /// Bytes of the largest piece of a body. Two are held at once: one is read while the other is hashed.
    static constexpr std::size_t max_piece = 64 * 1024;

    client_stream(pollux::net::tcp_stream socket, client_limits limits)
        : socket_(std::move(socket)), limits_(std::move(limits)) {}

    /// The next line without its end, LF or CR and LF. Once the server is ending, only one that has arrived by then.
    pollux::task<std::string, farewell> read_line();
    /// The next bytes of a body of which `left` are missing: `max_piece` of them, or all if that is less.
    pollux::task<body_piece, farewell> read_piece(std::uint64_t left);
    /// Ends when the connection was reset, and never otherwise. What comes meanwhile is read ahead, up to a limit.
    pollux::task<> gone();
    /// All of `text`, which outlives the task.
    pollux::task<void, farewell> write(std::string_view text);
    /// Says what is wrong and closes such that the client can read it: a socket that is closed with bytes in it resets the connection,
    /// and then what was sent last may be lost.
    pollux::task<> close_with(std::string what);

private:
    static constexpr std::size_t read_room = 4096;  // bytes of one read of lines; a guess

    // The first line in `ahead_` without its end, which are taken out of it. Empty optional: there is none.
    std::optional<std::string> take_line();
    // Without waiting. False: nothing is there, or reading fails.
    bool read_what_is_there();
    pollux::task<> drain();

    pollux::net::tcp_stream socket_;
    client_limits limits_;
    std::string ahead_;        // read and not taken
    bool is_at_end_ = false;   // the client sends no more
    unsigned late_reads_ = 0;  // of lines, while the server is ending
};

}  // namespace pollux_tool

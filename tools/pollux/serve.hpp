// SPDX-License-Identifier: MIT
// The subcommand `serve`: a TCP server that answers lines until it is told to end. main calls it once.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pollux_tool {

struct serve_options {
    std::uint16_t port = 0;  // 0: any that is free
    unsigned workers = 0;    // 0: as many as CPUs
    std::optional<std::size_t>
        connections;                    // clients at once; by default as many as the descriptors allow, up to 20,000
    std::uint64_t max_body = 64 << 20;  // bytes
    std::size_t max_line = 4096;        // bytes, without the line's end
    std::chrono::milliseconds idle = std::chrono::seconds(60);   // how long a client may let the server wait
    std::chrono::milliseconds grace = std::chrono::seconds(10);  // how long open requests may take after SIGTERM
};

/// Serves on 127.0.0.1 until SIGTERM or SIGINT, on a runtime of its own, and returns the exit status of the process.
///
/// Throws: `std::exception` where the runtime cannot work at all.
/// Threads: the main thread; both signals are taken over from before the first line on stdout until the end.
int serve(const serve_options& options);

}  // namespace pollux_tool

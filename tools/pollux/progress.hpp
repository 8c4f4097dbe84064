// SPDX-License-Identifier: MIT
// What is said on stderr: the progress line while the work goes on, failure lines, and the erasing of the first before
// anything else appears on the terminal. sum owns the one instance; jobs on both pools call add_bytes.
//
// The line is drawn by whoever calls, at most ten times a second, so no timer and no thread is needed. An error of
// stderr itself is ignored: there is nobody left to tell.
// Threads: any; the mutex guards the terminal and what was last drawn on it.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace pollux_tool {

class progress {
public:
    /// Draws only if `wanted` and stderr is a terminal that can erase a line (TERM other than dumb).
    explicit progress(bool wanted);
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;
    ~progress() { erase(); }

    /// Counts bytes that have been hashed, and draws the line if it is due.
    void add_bytes(std::uint64_t bytes);

    /// Counts files whose lines have been written.
    void add_files(std::uint64_t files);

    /// Takes the line away: before stdout is written, which may be the same terminal.
    void erase();

    /// Writes `text` and a line end in place of the progress line.
    void print_line(std::string_view text);

    std::chrono::duration<double> elapsed() const { return std::chrono::steady_clock::now() - start_; }

private:
    void draw();
    void erase_locked();

    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    const bool is_shown_;

    std::atomic<std::uint64_t> bytes_ = 0;
    std::atomic<std::uint64_t> files_ = 0;

    std::mutex mutex_;
    bool is_drawn_ = false;
    std::chrono::steady_clock::time_point next_draw_;
};

/// `12.3 MB`: three or four digits, decimal units.
std::string readable_bytes(double bytes);

}  // namespace pollux_tool

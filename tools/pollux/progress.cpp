// SPDX-License-Identifier: MIT
// Drawing and erasing of the progress line, see progress.hpp.

#include "progress.hpp"

#include "terminal.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

namespace pollux_tool {

namespace {

constexpr auto draw_interval = std::chrono::milliseconds(100);

}  // namespace

progress::progress(bool wanted)
    : is_shown_(wanted && is_able_terminal(STDERR_FILENO)), next_draw_(start_ + draw_interval) {}

void progress::add_bytes(std::uint64_t bytes) {
    // Relaxed, here and below: counters for a reader's eye; the summary counts by itself.
    bytes_.fetch_add(bytes, std::memory_order::relaxed);
    if (is_shown_) draw();
}

void progress::add_files(std::uint64_t files) {
    files_.fetch_add(files, std::memory_order::relaxed);
    if (is_shown_) draw();
}

void progress::draw() {
    const std::unique_lock lock(mutex_,
                                std::try_to_lock);  // someone else is at the terminal: this drawing is not missed
    const auto now = std::chrono::steady_clock::now();
    if (!lock || now < next_draw_) return;
    next_draw_ = now + draw_interval;
    const auto bytes = static_cast<double>(bytes_.load(std::memory_order::relaxed));
    auto text = fmt::format("{} files, {}, {}/s", files_.load(std::memory_order::relaxed), readable_bytes(bytes),
                            readable_bytes(bytes / elapsed().count()));
    text.resize(std::min(text.size(), terminal_columns() - 1));  // a line that wraps cannot be erased
    write_stderr(fmt::format("{}{}", erase_line, text));
    is_drawn_ = true;
}

void progress::erase_locked() {
    if (!is_drawn_) return;
    write_stderr(erase_line);
    is_drawn_ = false;
}

void progress::erase() {
    const std::lock_guard lock(mutex_);
    erase_locked();
}

void progress::print_line(std::string_view text) {
    const std::lock_guard lock(mutex_);
    erase_locked();
    write_stderr(fmt::format("{}\n", text));
}

std::string readable_bytes(double bytes) {
    constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB"};
    std::size_t unit = 0;
    while (bytes >= 999.5 && unit + 1 < units.size()) {
        bytes /= 1000;
        ++unit;
    }
    return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

}  // namespace pollux_tool

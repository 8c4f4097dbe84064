// SPDX-License-Identifier: MIT
// The progress line of `pollux bench`, see bench_progress.hpp.

#include "bench_progress.hpp"

#include "terminal.hpp"

#include <fmt/core.h>

#include <unistd.h>

#include <cstdlib>

namespace pollux_tool::bench {

bool is_colour_refused() {
    const char* value = std::getenv("NO_COLOR");
    return value != nullptr && *value != '\0';
}

progress_report::progress_report() : is_drawing_(is_able_terminal(STDERR_FILENO) && !is_colour_refused()) {}

void progress_report::step(std::string_view text) {
    if (is_drawing_)
        draw(text);
    else
        write_stderr(fmt::format("{}\n", text));
}

void progress_report::detail(std::string_view text) {
    if (is_drawing_) draw(text);
}

void progress_report::note(std::string_view text) {
    erase();
    write_stderr(fmt::format("pollux: bench: {}\n", text));
}

void progress_report::erase() {
    if (!is_drawn_) return;
    write_stderr(erase_line);
    is_drawn_ = false;
}

void progress_report::draw(std::string_view text) {
    // A line that wraps cannot be erased.
    write_stderr(fmt::format("{}{}", erase_line, text.substr(0, terminal_columns() - 1)));
    is_drawn_ = true;
}

}  // namespace pollux_tool::bench

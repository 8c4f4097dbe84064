// SPDX-License-Identifier: MIT
// What `pollux bench` says on stderr while it works: on a terminal one line that is drawn over, else a line a step.
#pragma once

#include <string_view>

namespace pollux_tool::bench {

/// NO_COLOR is set, and not to nothing, as no-color.org has it.
bool is_colour_refused();

class progress_report {
public:
    progress_report();
    progress_report(const progress_report&) = delete;
    progress_report& operator=(const progress_report&) = delete;
    ~progress_report() { erase(); }

    /// A new round: worth a line of its own where nothing can be erased.
    void step(std::string_view text);
    /// What runs at the moment: seen on a terminal only.
    void detail(std::string_view text);
    /// Stays: `pollux: bench: <text>`.
    void note(std::string_view text);
    /// Before anything else is written, maybe on the same terminal.
    void erase();

private:
    void draw(std::string_view text);

    const bool is_drawing_;
    bool is_drawn_ = false;
};

}  // namespace pollux_tool::bench

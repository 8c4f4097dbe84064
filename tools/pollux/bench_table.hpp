// SPDX-License-Identifier: MIT
// Results as text: tables for a terminal and for Markdown. Pure functions.
#pragma once

#include "bench_results.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace pollux_tool::bench {

struct text_table {
    std::vector<std::string> head;
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> programs;  // whose rows they are: the first cell has marks as well

    static constexpr std::size_t left_columns = 1;  // names; numbers stand on the right
};

/// A row for each program and number of workers: the scenario's metric, what `pollux` is to it, and what else has been measured.
text_table table_of(const scenario_results& of, bool is_quick);

/// The title, and behind it that sizes are others in a quick run.
std::string title_of(const scenario_results& of, bool is_quick);

/// `oneTBB`, or `oneTBB (size 24)` where it ran at another size than the title says, and always in a quick run.
std::string name_with_size(const scenario_results& in, const series& of, bool is_quick);

enum class text_style { plain, coloured, markdown };

/// All that is to be said of a scenario: title, table, noise, bars.
std::string scenario_text(const scenario_results& of, bool is_quick, text_style style);

/// The machine, the date, and how many rounds.
std::string heading_text(const results& of, text_style style);

/// The whole report in Markdown.
std::string markdown(const results& of);

/// Three digits, or all of those before the point: `0.152`, `12.3`, `1,234`.
std::string readable_number(double value);

/// `0.15 (0.14-0.17)`.
std::string readable_ratio(const spread& of);

/// `met`, `missed`, or `not measured`.
std::string word_of(const bar_outcome& of);

/// `ns_per_op to oneTBB, 2 workers: 0.23, at most 0.2: REASON`.
std::string text_of(const bar_outcome& of);

}  // namespace pollux_tool::bench

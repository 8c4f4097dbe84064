// SPDX-License-Identifier: MIT
// Results as text, see bench_table.hpp.

#include "bench_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace pollux_tool::bench {

namespace {

// In front of the name of the best peer.
constexpr const char* best_mark = "* ";

std::string in_colour(const std::string& text, const char* colour, text_style style) {
    return style == text_style::coloured ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : text;
}

// Names and failures are anybody's words: a bar would end a cell, and what looks like an element would vanish.
std::string for_style(const std::string& text, text_style style) {
    if (style != text_style::markdown) return text;
    std::string out;
    for (const char it : text) {
        if (it == '|')
            out += "\\|";
        else if (it == '<')
            out += "&lt;";
        else
            out += it;
    }
    return out;
}

std::string rendered(const text_table& table, text_style style) {
    std::vector<std::size_t> widths;
    for (const auto& head : table.head) widths.push_back(head.size());
    for (const auto& row : table.rows) {
        for (std::size_t i = 0; i != row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    const bool is_markdown = style == text_style::markdown;
    std::string out;
    const auto add_row = [&](const std::vector<std::string>& row) {
        std::string line = is_markdown ? "|" : "";
        for (std::size_t i = 0; i != row.size(); ++i) {
            if (is_markdown)
                line += fmt::format(" {} |", for_style(row[i], style));
            else if (i < text_table::left_columns)
                line += fmt::format("  {:<{}}", row[i], widths[i]);
            else
                line += fmt::format("  {:>{}}", row[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    };
    add_row(table.head);
    if (is_markdown) {
        out += '|';
        for (std::size_t i = 0; i != table.head.size(); ++i) out += i < text_table::left_columns ? "---|" : "---:|";
        out += '\n';
    }
    for (const auto& row : table.rows) add_row(row);
    return out;
}

std::string ratio_cell(const scenario_results& in, const series& of) {
    const auto* ours = find_series(in, "pollux", of.workers);
    if (ours == nullptr || ours == &of) return "";
    if (!is_comparable(*ours, of, in.metric)) return "other size";
    const auto ratio = ratio_of(*ours, of, in.metric);
    return ratio ? readable_ratio(*ratio) : "";
}

// A column that has nothing to say is left out.
void drop_column(text_table& table, std::size_t at) {
    for (const auto& row : table.rows) {
        if (!row[at].empty()) return;
    }
    const auto place = static_cast<std::ptrdiff_t>(at);
    table.head.erase(table.head.begin() + place);
    for (auto& row : table.rows) row.erase(row.begin() + place);
}

std::string colour_of(const bar_outcome& it) {
    if (!it.measured) return "33";
    return it.is_met() ? "32" : "31";
}

}  // namespace

std::string title_of(const scenario_results& of, bool is_quick) {
    return of.title + (is_quick ? " (quick: at the sizes in the table)" : "");
}

std::string name_with_size(const scenario_results& in, const series& of, bool is_quick) {
    return is_quick || of.size != in.size ? fmt::format("{} (size {})", of.program, of.size) : of.program;
}

text_table table_of(const scenario_results& of, bool is_quick) {
    constexpr std::size_t ratio_column = 4;
    const auto further = further_metrics(of);
    text_table out;
    out.head = {"program", "workers", of.metric, "MAD", "pollux to it"};
    out.head.insert(out.head.end(), further.begin(), further.end());
    for (const auto& it : of.all) {
        const auto values = values_of(it, of.metric);
        if (values.empty()) continue;
        const auto all = spread_of(values);
        out.programs.push_back(it.program);
        out.rows.push_back({(&it == best_peer(of, it.workers) ? best_mark : "") + name_with_size(of, it, is_quick),
                            fmt::format("{}", it.workers), readable_number(all.median),
                            all.median > 0 ? fmt::format("{:.1f} %", all.deviation / all.median * 100)
                                           : readable_number(all.deviation),
                            ratio_cell(of, it)});
        for (const auto& metric : further) {
            auto more = values_of(it, metric);
            out.rows.back().push_back(more.empty() ? "" : readable_number(spread_of(std::move(more)).median));
        }
    }
    drop_column(out, ratio_column);
    return out;
}

std::string scenario_text(const scenario_results& of, bool is_quick, text_style style) {
    const bool is_markdown = style == text_style::markdown;
    const auto title = for_style(title_of(of, is_quick), style);
    std::string out =
        is_markdown ? fmt::format("## {}: {}\n\n{}\n\n", for_style(of.name, style), title, for_style(of.shows, style))
                    : fmt::format("{}: {}\n", in_colour(of.name, "1", style), title);
    const auto table = table_of(of, is_quick);
    if (table.rows.empty())
        return out + (is_markdown ? "Nothing has been measured.\n\n" : "  nothing has been measured\n\n");
    out += rendered(table, style);
    if (is_markdown) out += '\n';
    if (!of.others_cpus.empty()) {
        const auto others = spread_of(of.others_cpus);
        out +=
            fmt::format("{}{}Other programs kept {:.2f} CPUs busy ({:.2f}-{:.2f} a round).\n", is_markdown ? "" : "  ",
                        has_peer(of) ? is_markdown ? "\\* best peer. " : "* best peer. " : "", others.median,
                        others.least, others.most);
    }
    const auto bars = outcomes(of, is_quick);
    if (is_markdown && !bars.empty()) out += '\n';
    for (const auto& it : bars) {
        out += is_markdown ? fmt::format("- {}: {}\n", word_of(it), for_style(text_of(it), style))
                           : fmt::format("  {}  {}\n",
                                         in_colour(fmt::format("{:<12}", word_of(it)), colour_of(it).c_str(), style),
                                         text_of(it));
    }
    return out + '\n';
}

std::string heading_text(const results& of, text_style style) {
    const bool is_markdown = style == text_style::markdown;
    std::string out = is_markdown ? "# pollux bench\n\n" : "";
    out += fmt::format("{}, {} rounds{}{}\n", of.date, of.rounds, of.is_quick ? " of small sizes" : "",
                       of.is_interrupted ? ", interrupted" : "");
    if (is_markdown) out += '\n';
    for (const auto& [name, value] : of.machine)
        out += fmt::format("{}{}: {}\n", is_markdown ? "- " : "", name, for_style(value, style));
    return out + '\n';
}

std::string markdown(const results& of) {
    std::string out = heading_text(of, text_style::markdown);
    for (const auto& it : of.scenarios) out += scenario_text(it, of.is_quick, text_style::markdown);
    if (!of.failures.empty()) out += "## Failures\n\n";
    for (const auto& it : of.failures) out += fmt::format("- {}\n", for_style(it, text_style::markdown));
    return out;
}

std::string readable_number(double value) {
    if (std::abs(value) < 99.95) return fmt::format("{:.3g}", value);
    auto out = fmt::format("{:.0f}", value);
    const std::size_t first = out[0] == '-' ? 1 : 0;
    for (auto at = out.size(); at > first + 3;) out.insert(at -= 3, 1, ',');
    return out;
}

std::string readable_ratio(const spread& of) {
    // Two digits behind the point, or as many as say something.
    const auto one = [](double ratio) {
        return ratio < 0.095 && ratio > 0 ? fmt::format("{:.2g}", ratio) : fmt::format("{:.2f}", ratio);
    };
    return fmt::format("{} ({}-{})", one(of.median), one(of.least), one(of.most));
}

std::string word_of(const bar_outcome& of) {
    if (!of.measured) return "not measured";
    return of.is_met() ? "met" : "missed";
}

std::string text_of(const bar_outcome& of) {
    auto out = of.what + ": ";
    if (of.measured) out += readable_number(*of.measured) + ", ";
    out += "at most " + readable_number(of.at_most);
    if (!of.reason.empty() && of.measured && !of.is_met()) out += ": " + of.reason;
    return out;
}

}  // namespace pollux_tool::bench

// SPDX-License-Identifier: MIT
// The page, see bench_html.hpp.

#include "bench_html.hpp"

#include "bench_plots.hpp"
#include "bench_results_json.hpp"
#include "bench_svg.hpp"
#include "bench_table.hpp"

#include <fmt/core.h>

#include <cstddef>
#include <set>
#include <string_view>

namespace pollux_tool::bench {

namespace {

// Six colours of peers that are told apart in both schemes, and in greys by their order in the legend.
constexpr std::string_view style = R"(
:root { color-scheme: light dark; --page: #fbfbfa; --card: #ffffff; --text: #1d2126; --muted: #646b75; --line: #dfe2e6;
  --better: #eef4ee; --ours: #2f5bd0; --ours-soft: #e9effc; --good: #1d7a3e; --bad: #b3261e; --open: #8a6100;
  --peer0: #d9731a; --peer1: #16857a; --peer2: #b03a78; --peer3: #7b6f1d; --peer4: #6a54a8; --peer5: #5b7383; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14161a; --card: #1c1f25; --text: #e6e8eb; --muted: #9aa2ad; --line: #333842; --better: #1b2620;
    --ours: #86a8ff; --ours-soft: #222c45; --good: #6fce8f; --bad: #ff8a80; --open: #e0b44c;
    --peer0: #f0a45c; --peer1: #5cc5b8; --peer2: #e585b5; --peer3: #c9bb5a; --peer4: #b3a0ee; --peer5: #9db4c3; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
h1 { font-size: 1.9rem; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.25rem; margin: 0; }
h2 a { color: inherit; text-decoration: none; }
h3 { font-size: .8rem; margin: 0 0 .5rem; color: var(--muted); font-weight: 600; }
p { margin: .4rem 0; max-width: 52rem; }
.muted, figcaption { color: var(--muted); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin-top: 1.4rem;
  padding: 1.25rem 1.4rem; }
.facts { display: flex; flex-wrap: wrap; gap: .35rem 2rem; margin: .9rem 0 0; }
.facts div { display: flex; gap: .5rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; }
.figures { display: flex; flex-wrap: wrap; gap: 1.6rem 2.6rem; margin: 1.1rem 0; align-items: flex-start; }
figure { margin: 0; max-width: 100%; overflow-x: auto; }
svg { display: block; max-width: 100%; height: auto; overflow: visible; }
svg text { font-size: 12px; fill: var(--text); }
svg text.muted { fill: var(--muted); }
svg text.strong { font-weight: 650; }
.grid { stroke: var(--line); }
.axis { stroke: var(--muted); }
.one { stroke: var(--text); stroke-dasharray: 3 3; }
.range { stroke: var(--text); stroke-width: 1.5; opacity: .65; }
.cut { stroke: var(--card); stroke-width: 3; }
.range.ours { stroke: var(--ours); stroke-width: 2; opacity: .5; }
rect.better { fill: var(--better); }
.curve { fill: none !important; stroke-width: 2; stroke-linejoin: round; }
.curve.ours { stroke-width: 2.75; }
.ours { fill: var(--ours); stroke: var(--ours); }
.variant { opacity: .5; }
.curve.variant { stroke-dasharray: 5 4; }
rect, circle { stroke: none !important; }
.peer0 { fill: var(--peer0); stroke: var(--peer0); }
.peer1 { fill: var(--peer1); stroke: var(--peer1); }
.peer2 { fill: var(--peer2); stroke: var(--peer2); }
.peer3 { fill: var(--peer3); stroke: var(--peer3); }
.peer4 { fill: var(--peer4); stroke: var(--peer4); }
.peer5 { fill: var(--peer5); stroke: var(--peer5); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .2rem 0 0; padding: 0; font-size: .87rem; }
.legend li { display: flex; align-items: center; gap: .4rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; }
th:first-child, td:first-child { text-align: left; padding-left: .4rem; }
tr.pollux td { background: var(--ours-soft); font-weight: 600; }
.bars { list-style: none; padding: 0; margin: .9rem 0 0; font-size: .9rem; }
.bars li { display: flex; gap: .8rem; padding: .12rem 0; }
.bars b { flex: 0 0 7.2rem; }
.met { color: var(--good); }
.missed, .failure { color: var(--bad); }
.open { color: var(--open); }
)";

std::string facts_html(const results& of) {
    std::string out = "<dl class=\"facts\">\n";
    for (const auto& [name, value] : of.machine) {
        out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value));
    }
    return out + "</dl>\n";
}

std::string figure(const std::string& caption, const std::string& plot) {
    return plot.empty() ? "" : fmt::format("<figure>\n<h3>{}</h3>\n{}</figure>\n", escaped(caption), plot);
}

std::string legend_html(const scenario_results& of) {
    std::string out = "<ul class=\"legend\">\n";
    std::set<std::string> named;
    for (const auto& it : of.all) {
        if (!named.insert(it.program).second) continue;
        out += fmt::format(
            "<li><svg width=\"12\" height=\"12\" aria-hidden=\"true\"><rect class=\"{}\" width=\"12\" height=\"12\" "
            "rx=\"2\"/></svg>{}</li>\n",
            colour_class(of, it.program), escaped(it.program));
    }
    return out + "</ul>\n";
}

std::string figures_html(const scenario_results& of, std::size_t rounds) {
    std::string out = "<div class=\"figures\">\n";
    out += figure(fmt::format("{}: median and range of {} rounds, less is better", of.metric, rounds), bars_plot(of));
    out += figure(fmt::format("{} over workers", of.metric), lines_plot(of));
    std::set<std::string> histograms;
    for (const auto& it : of.all) {
        for (const auto& [name, buckets] : it.histograms) histograms.insert(name);
    }
    for (const auto& name : histograms) {
        for (const auto workers : worker_counts(of)) {
            out += figure(fmt::format("{}: share of all samples, {}", name, with_workers(workers)),
                          histogram_plot(of, name, workers));
        }
    }
    return out + "</div>\n";
}

std::string table_html(const scenario_results& of, bool is_quick) {
    const auto table = table_of(of, is_quick);
    std::string out = "<div class=\"table\"><table>\n<thead><tr>";
    for (const auto& it : table.head) out += fmt::format("<th scope=\"col\">{}</th>", escaped(it));
    out += "</tr></thead>\n<tbody>\n";
    for (std::size_t i = 0; i != table.rows.size(); ++i) {
        out += table.programs[i] == "pollux" ? "<tr class=\"pollux\">" : "<tr>";
        for (const auto& it : table.rows[i]) out += fmt::format("<td>{}</td>", escaped(it));
        out += "</tr>\n";
    }
    return out + "</tbody></table></div>\n";
}

const char* class_of(const bar_outcome& it) {
    if (!it.measured) return "open";
    return it.is_met() ? "met" : "missed";
}

std::string bars_html(const scenario_results& of, bool is_quick) {
    const auto all = outcomes(of, is_quick);
    if (all.empty()) return {};
    std::string out = "<ul class=\"bars\">\n";
    for (const auto& it : all) {
        out += fmt::format("<li><b class=\"{}\">{}</b><span>{}</span></li>\n", class_of(it), word_of(it),
                           escaped(text_of(it)));
    }
    return out + "</ul>\n";
}

std::string scenario_html(const scenario_results& of, const results& all) {
    std::string out = fmt::format(
        "<section class=\"card\" id=\"{0}\">\n<h2><a href=\"#{0}\">{0}</a></h2>\n<p>{1}</p>\n<p "
        "class=\"muted\">{2}</p>\n",
        escaped(of.name), escaped(title_of(of, all.is_quick)), escaped(of.shows));
    if (of.all.empty()) return out + "<p>Nothing has been measured.</p>\n</section>\n";
    out += legend_html(of) + figures_html(of, of.others_cpus.size()) + table_html(of, all.is_quick);
    const auto others = spread_of(of.others_cpus);
    out += fmt::format("<p class=\"muted\">{}Other programs kept {:.2f} CPUs busy ({:.2f} to {:.2f} a round).</p>\n",
                       has_peer(of) ? "* best peer. " : "", others.median, others.least, others.most);
    return out + bars_html(of, all.is_quick) + "</section>\n";
}

// How many bars are met, over all scenarios.
std::string summary_html(const results& of) {
    std::size_t met = 0, missed = 0, open = 0;
    for (const auto& it : of.scenarios) {
        for (const auto& bar : outcomes(it, of.is_quick)) ++(!bar.measured ? open : bar.is_met() ? met : missed);
    }
    if (met + missed + open == 0) return {};
    return fmt::format(
        "<p>Bars: <b class=\"met\">{} met</b>, <b class=\"missed\">{} missed</b>, <b class=\"open\">{} not "
        "measured</b>.</p>\n",
        met, missed, open);
}

// Within a script element only `</` could end it, and `<!--` confuse.
std::string script_text(std::string text) {
    for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos; ++at) text.replace(at, 1, "\\u003c");
    return text;
}

}  // namespace

std::string html(const results& of) {
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>pollux bench</title>\n";
    out += fmt::format("<style>{}</style>\n</head>\n<body>\n", style);
    out += fmt::format("<h1>pollux bench</h1>\n<p class=\"muted\">{}, {} rounds{}{}</p>\n", escaped(of.date), of.rounds,
                       of.is_quick ? " of small sizes" : "", of.is_interrupted ? ", interrupted" : "");
    out += facts_html(of);
    out +=
        "<section class=\"card\">\n<h2>Beside the best peer</h2>\n"
        "<p class=\"muted\">The ratio of times inside one round: its median, and the range of the rounds.</p>\n<div "
        "class=\"figures\">\n";
    const auto overview = overview_plot(of);
    out += overview.empty() ? "<p>No peer has run.</p>\n" : fmt::format("<figure>\n{}</figure>\n", overview);
    out += "</div>\n" + summary_html(of);
    for (const auto& it : of.failures) out += fmt::format("<p class=\"failure\">failed: {}</p>\n", escaped(it));
    out += "</section>\n";
    for (const auto& it : of.scenarios) out += scenario_html(it, of);
    out +=
        "<p class=\"muted\">All samples are in the source of this page, as JSON in the element "
        "<code>samples</code>.</p>\n";
    out += fmt::format("<script type=\"application/json\" id=\"samples\">\n{}</script>\n</body>\n</html>\n",
                       script_text(to_text(to_json(of))));
    return out;
}

}  // namespace pollux_tool::bench

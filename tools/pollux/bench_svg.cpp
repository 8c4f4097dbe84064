// SPDX-License-Identifier: MIT
// Shapes and scales, see bench_svg.hpp.

#include "bench_svg.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace pollux_tool::bench {

namespace {

// A step of about a fifth of `range`: 1, 2 or 5 times a power of ten.
double round_step(double range) {
    const double rough = range / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= rough) return factor * power;
    }
    return 10 * power;
}

std::string with_tip(std::string_view element, std::string_view attributes, std::string_view tip) {
    if (tip.empty()) return fmt::format("<{} {}/>", element, attributes);
    return fmt::format("<{0} {1}><title>{2}</title></{0}>", element, attributes, escaped(tip));
}

}  // namespace

std::string escaped(std::string_view text) {
    std::string out;
    for (const char it : text) {
        switch (it) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += it;
        }
    }
    return out;
}

double scale::operator()(double value) const {
    const double inside = std::clamp(value, from_, to_);
    const double part =
        is_logarithmic_ ? std::log(inside / from_) / std::log(to_ / from_) : (inside - from_) / (to_ - from_);
    return from_place_ + part * (to_place_ - from_place_);
}

std::vector<double> scale::ticks() const {
    std::vector<double> out;
    if (!is_logarithmic_) {
        const double step = round_step(to_ - from_);
        for (double i = std::ceil(from_ / step); i * step <= to_ * (1 + 1e-9); ++i) out.push_back(i * step);
        return out;
    }
    const double decades = std::log10(to_ / from_);
    const std::vector<double> factors = decades > 3 ? std::vector{1.0} : std::vector{1.0, 2.0, 5.0};
    // Every second or third power of ten where there are many.
    const double stride = std::ceil(decades / 7);
    for (double power = std::floor(std::log10(from_)); power <= std::log10(to_); power += stride) {
        for (const double factor : factors) {
            const double value = factor * std::pow(10, power);
            if (value >= from_ * (1 - 1e-9) && value <= to_ * (1 + 1e-9)) out.push_back(value);
        }
    }
    return out;
}

void svg::line(double x1, double y1, double x2, double y2, std::string_view style) {
    body_ += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", style, x1,
                         y1, x2, y2);
}

void svg::rectangle(double x, double y, double width, double height, std::string_view style, std::string_view tip) {
    body_ += with_tip("rect",
                      fmt::format("class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"", style, x,
                                  y, width, height),
                      tip) +
             '\n';
}

void svg::circle(double x, double y, double radius, std::string_view style, std::string_view tip) {
    body_ += with_tip("circle",
                      fmt::format("class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"", style, x, y, radius), tip) +
             '\n';
}

void svg::path(const std::vector<std::pair<double, double>>& points, std::string_view style, std::string_view tip) {
    std::string list;
    for (const auto& [x, y] : points)
        fmt::format_to(std::back_inserter(list), "{}{:.1f} {:.1f}", list.empty() ? "M" : " L", x, y);
    body_ += with_tip("path", fmt::format("class=\"{}\" d=\"{}\"", style, list), tip) + '\n';
}

void svg::text(double x, double y, anchor at, std::string_view words, std::string_view style) {
    const char* const names[] = {"start", "middle", "end"};
    body_ += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", style, x, y,
                         names[static_cast<int>(at)], escaped(words));
}

std::string svg::finish(std::string_view label) const {
    return fmt::format(
        "<svg role=\"img\" aria-label=\"{0}\" viewBox=\"0 0 {1:.0f} {2:.0f}\" width=\"{1:.0f}\" "
        "height=\"{2:.0f}\">\n{3}</svg>\n",
        escaped(label), width_, height_, body_);
}

}  // namespace pollux_tool::bench

// SPDX-License-Identifier: MIT
// The few shapes that plots are made of, as inline SVG, and scales from values to places. Colours are classes: the page has
// them for light and dark. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pollux_tool::bench {

/// For text and attributes of HTML and SVG.
std::string escaped(std::string_view text);

/// From values to places, evenly or by the logarithm.
class scale {
public:
    static scale linear(double from, double to, double from_place, double to_place) {
        return {from, to, from_place, to_place, false};
    }
    /// Both ends above zero.
    static scale logarithmic(double from, double to, double from_place, double to_place) {
        return {from, to, from_place, to_place, true};
    }

    /// Of a value outside: the nearer end.
    double operator()(double value) const;

    /// Round values inside, few enough to be read beside each other.
    std::vector<double> ticks() const;

private:
    scale(double from, double to, double from_place, double to_place, bool is_logarithmic)
        : from_(from), to_(to), from_place_(from_place), to_place_(to_place), is_logarithmic_(is_logarithmic) {}

    double from_;
    double to_;
    double from_place_;
    double to_place_;
    bool is_logarithmic_;
};

enum class anchor { start, middle, end };

class svg {
public:
    svg(double width, double height) : width_(width), height_(height) {}

    void line(double x1, double y1, double x2, double y2, std::string_view style);
    void rectangle(double x, double y, double width, double height, std::string_view style, std::string_view tip = {});
    void circle(double x, double y, double radius, std::string_view style, std::string_view tip = {});
    void path(const std::vector<std::pair<double, double>>& points, std::string_view style, std::string_view tip = {});
    void text(double x, double y, anchor at, std::string_view words, std::string_view style = {});

    /// The element; `label` is for those who cannot see it.
    std::string finish(std::string_view label) const;

private:
    double width_;
    double height_;
    std::string body_;
};

}  // namespace pollux_tool::bench

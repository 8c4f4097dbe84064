// SPDX-License-Identifier: MIT
// The functions and futures that the property tests give to adapters, and the same operations on vectors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <optional>
#include <utility>
#include <vector>

#include "truth/properties.hpp"

namespace pollux::test {

using answer = std::expected<int, fault>;

// Plain functions of items.
inline int times_three(int i) { return 3 * i; }
inline bool is_even(int i) { return i % 2 == 0; }
inline bool is_small(int i) { return i < 40; }
inline std::optional<int> half_of_even(int i) { return is_even(i) ? std::optional(i / 2) : std::nullopt; }

// What a future of an item ends with, and such a future.
inline answer later(int i) {
    if (i % 7 == 3) return std::unexpected(fault{i + 100});
    return times_three(i);
}
inline auto future_of(driver& d) {
    return [&d](int i) { return noisy_future<int>(d.at(), i % 4, later(i)); };
}
// The same of a predicate.
inline std::expected<bool, fault> judged(bool (*says)(int), int i) {
    if (i % 7 == 3) return std::unexpected(fault{i + 100});
    return says(i);
}
inline auto judge(driver& d, bool (*says)(int)) {
    return [&d, says](const int& i) { return noisy_future<bool>(d.at(), i % 4, judged(says, i)); };
}

// The model: `each(answer, out)` says what comes of one answer, errors of the source pass. False: the stream is over.
template <class T = int>
answers<T> each_value(const answers<int>& all, auto each) {
    answers<T> out;
    for (const answer& one : all) {
        if (!one.has_value())
            out.emplace_back(std::unexpect, one.error());
        else if (!each(*one, out))
            break;
    }
    return out;
}

// `adapt(driver, source)` against `model(answers)`.
void check(const char* name, auto adapt, auto model) {
    check_property(name, [&](const inputs& in) {
        driver d(in.units);
        same(d.drain(adapt(d, noisy_stream(d.at(), in.first))), model(plain(in.first)));
    });
}
// The same with a number: `adapt(source, n)`, `model(answers, n)`.
void check_counted(const char* name, auto adapt, auto model) {
    check_property(name, [&](const inputs& in) {
        driver d(in.units);
        const auto n = static_cast<std::size_t>(in.n);
        same(d.drain(adapt(noisy_stream(d.at(), in.first), n)), model(plain(in.first), n));
    });
}
// The same for what gives one result.
void check_consumer(const char* name, auto adapt, auto model) {
    check_property(name, [&](const inputs& in) {
        driver d(in.units);
        same(d.finish(adapt(d, noisy_stream(d.at(), in.first))), model(plain(in.first)));
    });
}

// Consumers stop at the first error, of the source or of a future.
template <class T>
std::expected<T, fault> folded(const answers<int>& all, T start, auto each) {
    for (const answer& one : all) {
        if (!one.has_value()) return std::unexpected(one.error());
        if (const std::optional<fault> failed = each(start, *one)) return std::unexpected(*failed);
    }
    return start;
}

// `fn` of a value; the libraries of g++ 12 have no such member.
template <class T>
auto mapped(const std::expected<T, fault>& from, auto fn) {
    using made = std::expected<decltype(fn(*from)), fault>;
    return from.has_value() ? made(fn(*from)) : made(std::unexpect, from.error());
}

template <class T>
std::vector<T> sorted(std::vector<T> all) {
    std::sort(all.begin(), all.end());
    return all;
}
// Errors as numbers that no value has, to be sorted with the values.
inline std::vector<int> as_numbers(const answers<int>& all) {
    std::vector<int> numbers;
    for (const answer& each : all) numbers.push_back(each.has_value() ? *each : -1 - each.error().code);
    return numbers;
}

inline answers<int> joined(answers<int> all, const answers<int>& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

inline script without_errors(script steps) {
    std::erase_if(steps, [](const step& each) { return each.what == step::kind::error; });
    return steps;
}

// A few items for one item, and one error if it says so.
inline script few(int i) {
    script steps;
    for (int k = 0; k != i % 4; ++k) {
        steps.push_back({step::kind::pending_waits, 0});
        steps.push_back({k == 2 ? step::kind::error : step::kind::value, 100 + i + k});
    }
    return steps;
}

}  // namespace pollux::test

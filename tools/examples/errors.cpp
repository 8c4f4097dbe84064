// SPDX-License-Identifier: MIT
// Errors are values with a type: task<int, parse_error> is a future of an int that may fail with a parse_error.
//
// co_await of such a future gives a std::expected. try_() is for the common case, handing an error on: it gives the value,
// and an error ends the coroutine with it. It takes futures and std::expected alike. A future whose error type is `never`
// cannot fail, and awaiting it gives the plain value. Two error types meet only if one converts to the other; map_err() turns
// one into another. Exceptions are for what nobody expects: they travel to whoever awaits.
//
// Next: offload_parallel_reduce.cpp uses all processors for one computation.
//
// Prints:
//   20 + 22 = 42
//   20 + x: not a number: x
//   20 + x, or else: 20
//   an exception arrived: out of paper
#include <charconv>
#include <expected>
#include <iostream>
#include <pollux/coro.hpp>
#include <pollux/future.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace {

struct parse_error {
    std::string text;
};

std::expected<int, parse_error> parse(std::string_view text) {
    int value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || end != text.data() + text.size())
        return std::unexpected(parse_error{std::string(text)});
    return value;
}

pollux::task<int, parse_error> add(std::string a, std::string b) {
    const int left = co_await pollux::try_(parse(a));
    const int right = co_await pollux::try_(parse(b));
    co_return left + right;
}

// The error type is another one, so the error is translated where the two meet.
pollux::task<std::string, std::string> report(std::string a, std::string b) {
    const std::string question = a + " + " + b;
    auto sum = add(a, b) | pollux::map_err([](parse_error e) { return "not a number: " + e.text; });
    co_return question + " = " + std::to_string(co_await pollux::try_(std::move(sum)));
}

// Cannot fail: an error has been replaced by a value.
pollux::task<int> sum_or_left(std::string a, std::string b) {
    const std::expected<int, parse_error> sum = co_await add(a, b);
    co_return sum.has_value() ? *sum : parse(a).value_or(0);
}

pollux::task<> print() {
    throw std::runtime_error("out of paper");
    co_return;
}

pollux::task<> examples() {
    for (const char* right : {"22", "x"}) {
        const std::expected<std::string, std::string> line = co_await report("20", right);
        std::cout << (line.has_value() ? *line : "20 + x: " + line.error()) << '\n';
    }
    std::cout << "20 + x, or else: " << co_await sum_or_left("20", "x") << '\n';
    try {
        co_await print();
    } catch (const std::runtime_error& e) {
        std::cout << "an exception arrived: " << e.what() << '\n';
    }
}

}  // namespace

// Nothing here needs a runtime: block_on() alone polls the coroutines on this thread.
int main() { pollux::block_on(examples()); }

// SPDX-License-Identifier: MIT
// A stream by hand, and a future by hand that takes ten items from any stream.
//
// A stream is a class with `value_type`, `error_type` and `poll_next(context&)`, whose answer is an item, the end (nullopt), an
// error, or pending. Each poll gives one item, so a stream may be endless: nothing is computed that nobody asks for.
//
// display_ten shows the duty of whoever polls in a loop. A source that is always ready would keep it going without a pause, so it
// asks consume_budget() before each turn; when the answer is no, it has been woken again already and lets other tasks go first.
// Outside of a runtime there is nobody else, and the answer is always yes. At the end the same sums up with combinators.
//
// Next: streams.cpp puts the library's own adapters together.
//
// Prints:
//   value #0 = 1
//   value #1 = 1
//   value #2 = 2
//   value #3 = 3
//   value #4 = 5
//   value #5 = 8
//   value #6 = 13
//   value #7 = 21
//   value #8 = 34
//   value #9 = 55
//   three words:
//   value #0 = to
//   value #1 = be
//   value #2 = continued
//   the even ones among the first ten add up to 44
#include <cstdint>
#include <expected>
#include <iostream>
#include <optional>
#include <pollux/future.hpp>
#include <pollux/stream.hpp>
#include <string>
#include <utility>
#include <vector>

namespace {

class fibonacci {
public:
    using value_type = std::uint64_t;
    using error_type = pollux::never;

    pollux::polled<std::optional<std::uint64_t>> poll_next(pollux::context&) {
        return std::exchange(current_, std::exchange(next_, current_ + next_));
    }

private:
    std::uint64_t current_ = 1;
    std::uint64_t next_ = 1;
};

static_assert(pollux::stream<fibonacci>);

// Prints up to ten items; ready after the tenth, or at the end of the stream if that comes first.
template <pollux::stream S>
class display_ten {
public:
    using value_type = void;
    using error_type = typename S::error_type;

    explicit display_ten(S source) : source_(std::move(source)) {}

    pollux::polled<void, error_type> poll(pollux::context& cx) {
        while (count_ < 10) {
            if (!cx.consume_budget()) return pollux::pending;
            auto answer = source_.poll_next(cx);
            if (answer.is_pending()) return pollux::pending;  // count_ keeps the place
            if (answer.has_error()) return std::unexpected(std::move(answer.error()));
            if (!answer.value()) break;
            std::cout << "value #" << count_++ << " = " << *answer.value() << '\n';
        }
        return pollux::polled<void, error_type>::ready();
    }

private:
    S source_;
    int count_ = 0;
};

}  // namespace

int main() {
    pollux::block_on(display_ten(fibonacci()));
    std::cout << "three words:\n";
    pollux::block_on(display_ten(pollux::iter(std::vector<std::string>{"to", "be", "continued"})));

    const auto sum = pollux::block_on(
        fibonacci() | pollux::take(10) | pollux::filter([](const std::uint64_t& n) { return n % 2 == 0; }) |
        pollux::fold(std::uint64_t{0}, [](std::uint64_t a, std::uint64_t n) { return a + n; }));
    std::cout << "the even ones among the first ten add up to " << sum << '\n';
}

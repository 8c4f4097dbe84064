// SPDX-License-Identifier: MIT
// What combinators of futures cost against the state machine that one would write by hand: each chain stands beside its machine, which keeps
// the same promises: what is over is destroyed before anything else happens, and a poll after the end touches nothing. For callgrind:
// the instructions of one round are the slope between two sizes; bench/chains.py runs it and prints the table. In time the difference is
// lost in the noise.
//   bench_chains CHAIN library|hand [ROUNDS]
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "chains.hpp"
#include "pollux/coro.hpp"
#include "pollux/future.hpp"

// Not unnamed: the compiler must not know more of the machines' callers than of the library's templates.
namespace chains {

using bench::leaf;
using bench::polled_out;
using pollux::context;
using pollux::polled;

// --- map, and_then, map ------------------------------------------------------------------------------------------------------

[[gnu::noinline]] int map_library(int i, context& cx) {
    auto chain = pollux::map(leaf(1, i), [](int n) { return n + 1; }) |
                 pollux::and_then([](int n) { return leaf(1, n); }) | pollux::map([](int n) { return n * 3; });
    return polled_out(chain, cx);
}

class map_machine {
public:
    using value_type = int;
    using error_type = pollux::never;

    explicit map_machine(leaf first) : first_(first) {}

    polled<int> poll(context& cx) {
        if (first_.has_value()) {
            auto first = first_->poll(cx);
            if (first.is_pending()) return pollux::pending;
            first_.reset();
            second_.emplace(leaf(1, first.value() + 1));
        }
        auto second = second_->poll(cx);
        if (second.is_pending()) return pollux::pending;
        return second.value() * 3;
    }

private:
    std::optional<leaf> first_;
    std::optional<leaf> second_;
};

[[gnu::noinline]] int map_hand(int i, context& cx) { return polled_out(map_machine(leaf(1, i)), cx); }

// --- join of 8 ---------------------------------------------------------------------------------------------------------------

[[gnu::noinline]] int join_library(int i, context& cx) {
    auto all =
        pollux::join(leaf(0, i), leaf(1, i), leaf(2, i), leaf(0, i), leaf(1, i), leaf(2, i), leaf(0, i), leaf(1, i));
    const auto [a, b, c, d, e, f, g, h] = polled_out(all, cx);
    return a + b + c + d + e + f + g + h;
}

class join_machine {
public:
    using value_type = std::tuple<int, int, int, int, int, int, int, int>;
    using error_type = pollux::never;

    join_machine(leaf a, leaf b, leaf c, leaf d, leaf e, leaf f, leaf g, leaf h) : children_{a, b, c, d, e, f, g, h} {}

    polled<value_type> poll(context& cx) {
        for (int k = 0; k != 8; ++k) {
            if (!children_[k].has_value()) continue;
            auto answer = children_[k]->poll(cx);
            if (answer.is_pending()) continue;
            children_[k].reset();
            results_[k] = answer.value();
            --unfinished_;
        }
        if (unfinished_ != 0) return pollux::pending;
        unfinished_ = -1;
        return value_type(results_[0], results_[1], results_[2], results_[3], results_[4], results_[5], results_[6],
                          results_[7]);
    }

private:
    std::optional<leaf> children_[8];
    int results_[8];
    int unfinished_ = 8;
};

[[gnu::noinline]] int join_hand(int i, context& cx) {
    const auto [a, b, c, d, e, f, g, h] = polled_out(
        join_machine(leaf(0, i), leaf(1, i), leaf(2, i), leaf(0, i), leaf(1, i), leaf(2, i), leaf(0, i), leaf(1, i)),
        cx);
    return a + b + c + d + e + f + g + h;
}

// --- select of 2 -------------------------------------------------------------------------------------------------------------

[[gnu::noinline]] int select_library(int i, context& cx) {
    auto first = polled_out(pollux::select(leaf(3, i), leaf(2, i)), cx);
    return first.index() == 1 ? std::get<1>(first) : std::get<0>(first);
}

class select_machine {
public:
    using value_type = std::variant<int, int>;
    using error_type = pollux::never;

    select_machine(leaf a, leaf b) : a_(a), b_(b) {}

    polled<value_type> poll(context& cx) {
        if (!a_.has_value()) return pollux::pending;
        if (auto a = a_->poll(cx); a.is_ready()) {
            end();
            return value_type(std::in_place_index<0>, a.value());
        }
        if (auto b = b_->poll(cx); b.is_ready()) {
            end();
            return value_type(std::in_place_index<1>, b.value());
        }
        return pollux::pending;
    }

private:
    void end() {
        a_.reset();
        b_.reset();
    }

    std::optional<leaf> a_;
    std::optional<leaf> b_;
};

[[gnu::noinline]] int select_hand(int i, context& cx) {
    auto first = polled_out(select_machine(leaf(3, i), leaf(2, i)), cx);
    return first.index() == 1 ? std::get<1>(first) : std::get<0>(first);
}

// --- a coroutine that awaits what is ready ----------------------------------------------------------------------------------

// Of a long life, so that what is measured is an await and not the frame.
pollux::task<int> awaits_ready(int n) {
    int sum = 0;
    for (int i = 0; i != n; ++i) sum += co_await leaf(0, i);
    co_return sum;
}

[[gnu::noinline]] int await_library(int rounds, context& cx) { return polled_out(awaits_ready(rounds), cx); }

class await_machine {
public:
    using value_type = int;
    using error_type = pollux::never;

    explicit await_machine(int n) : n_(n) {}

    polled<int> poll(context& cx) {
        for (; i_ != n_; ++i_) {
            if (!current_.has_value()) current_.emplace(0, i_);
            auto answer = current_->poll(cx);
            if (answer.is_pending()) return pollux::pending;
            current_.reset();
            sum_ += answer.value();
            if (!cx.consume_budget()) return pollux::pending;
        }
        return sum_;
    }

private:
    int n_;
    int i_ = 0;
    int sum_ = 0;
    std::optional<leaf> current_;
};

[[gnu::noinline]] int await_hand(int rounds, context& cx) { return polled_out(await_machine(rounds), cx); }

}  // namespace chains

int main(int argc, char** argv) {
    static constexpr bench::chain all[] = {
        {"map", &bench::in_rounds<chains::map_library>, &bench::in_rounds<chains::map_hand>},
        {"join", &bench::in_rounds<chains::join_library>, &bench::in_rounds<chains::join_hand>},
        {"select", &bench::in_rounds<chains::select_library>, &bench::in_rounds<chains::select_hand>},
        {"await", &chains::await_library, &chains::await_hand},
    };
    return bench::run_chain(argc, argv, all);
}

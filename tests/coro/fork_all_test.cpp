// SPDX-License-Identifier: MIT
#include "pollux/coro/fork_all.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <expected>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/yield.hpp"
#include "support/greedy_names.hpp"
#include "support/manual_event.hpp"
#include "support/run_by.hpp"
#include "support/tracked.hpp"
#include "support/wait_until.hpp"
#include "support/workers.hpp"

namespace {

using pollux::task;
using pollux::test::all_ways;
using pollux::test::manual_event;
using pollux::test::run_by;
using pollux::test::tracked;
using pollux::test::wait_until;
using pollux::test::way;
using pollux::test::workers;
using pollux::test::yields;

template <class Range>
task<std::string> size_or_error(Range children) {
    std::string what;
    try {
        const auto outcomes = co_await pollux::fork_all(std::move(children));
        what = std::to_string(outcomes.size());
    } catch (const std::runtime_error& error) {
        what = error.what();
    }
    co_return what;
}

task<std::string> odd_numbers(int below) {
    // Of no known length, and its children are made while it is gone through.
    auto children = std::views::iota(0, below) | std::views::filter([](int n) { return n % 2 != 0; }) |
                    std::views::transform([](int n) { return yields(n % 3, n); });
    const auto outcomes = co_await pollux::fork_all(std::move(children));
    std::string text;
    for (const int each : outcomes) text += std::to_string(each) + " ";
    co_return text;
}

task<int> holds(tracked, std::atomic<int>& started) {
    ++started;
    co_return 1;
}
task<std::string> range_that_throws(int at, std::atomic<int>& alive, std::atomic<int>& started) {
    auto children = std::views::iota(0, at + 1) | std::views::transform([&alive, &started, at](int n) {
                        if (n == at) throw std::runtime_error("no more");
                        return holds(tracked(alive), started);
                    });
    const std::string what = co_await size_or_error(std::move(children));
    co_return what + ", alive " + std::to_string(alive) + ", started " + std::to_string(started);
}

task<int, std::string> odd_or_error(int n) {
    for (int i = 0; i != n % 3; ++i) co_await pollux::yield_now();
    if (n % 2 == 0) co_return std::unexpected(std::to_string(n));
    co_return n;
}
task<std::string> with_errors(int n) {
    std::vector<task<int, std::string>> children;
    for (int i = 0; i != n; ++i) children.push_back(odd_or_error(i));
    const auto outcomes = co_await pollux::fork_all(std::move(children));
    static_assert(std::is_same_v<decltype(outcomes), const std::vector<std::expected<int, std::string>>>);
    std::string text;
    for (const auto& each : outcomes) text += each ? std::to_string(*each) : "no" + each.error();
    co_return text;
}

// Results of which a block for children of unknown number has room for few.
using large = std::array<int, 100>;
task<large> fills(int value) {
    for (int i = 0; i != value % 2; ++i) co_await pollux::yield_now();
    large all;
    all.fill(value);
    co_return all;
}
task<int> sums_of_large(int n) {
    auto children = std::views::iota(0, n) | std::views::filter([](int) { return true; }) |
                    std::views::transform([](int i) { return fills(i); });
    int sum = 0;
    const auto outcomes = co_await pollux::fork_all(std::move(children));
    for (const large& each : outcomes) sum += each.front() + each.back();
    co_return sum;
}

task<tracked> gives(int yields_before, std::atomic<int>& alive) {
    for (int i = 0; i != yields_before; ++i) co_await pollux::yield_now();
    co_return tracked(alive);
}
task<tracked> throws_behind(int yields_before) {
    for (int i = 0; i != yields_before; ++i) co_await pollux::yield_now();
    throw std::runtime_error("behind " + std::to_string(yields_before));
}
// The third and the last one throw.
task<std::string> what_is_thrown(std::atomic<int>& alive) {
    std::vector<task<tracked>> children;
    for (int i = 0; i != 6; ++i) children.push_back(i == 2 || i == 5 ? throws_behind(5 - i) : gives(i % 2, alive));
    const std::string what = co_await size_or_error(std::move(children));
    co_return what + ", alive " + std::to_string(alive);
}

// Children that give nothing and write into their parent's array, which they borrow. The one that is `bad`, if there is one, throws.
task<> writes_square(int n, int bad, int& place) {
    for (int i = 0; i != n % 3; ++i) co_await pollux::yield_now();
    if (n == bad) throw std::runtime_error("bad " + std::to_string(n));
    place = n * n;
}
task<std::string> squares(int n, int bad) {
    std::vector<int> places(static_cast<std::size_t>(n));
    auto children = std::views::iota(0, n) | std::views::transform([&](int i) {
                        return writes_square(i, bad, places[static_cast<std::size_t>(i)]);
                    });
    static_assert(std::is_same_v<decltype(pollux::fork_all(children).await_resume()), std::vector<pollux::unit>>);
    std::string text = co_await size_or_error(std::move(children)) + ":";
    for (const int each : places) text += " " + std::to_string(each);
    co_return text;
}

task<int> waits(manual_event event, tracked) {
    auto fut = event.wait();
    co_await fut;
    co_return 1;
}
task<std::size_t> waits_for_all(std::vector<manual_event> events, std::atomic<int>& alive) {
    const tracked local(alive);
    auto children = events | std::views::transform([&](manual_event& each) { return waits(each, tracked(alive)); });
    const auto outcomes = co_await pollux::fork_all(children);
    co_return outcomes.size();
}

}  // namespace

TEST_SUITE("coro/fork_all") {
    TEST_CASE("fork_all: gives the outcomes of a range of unknown length in its order") {
        for (const way how : all_ways) {
            CAPTURE(static_cast<int>(how));
            CHECK(run_by(how, 2, odd_numbers(0)) == "");
            CHECK(run_by(how, 2, odd_numbers(8)) == "1 3 5 7 ");
            const std::string many = run_by(how, 2, odd_numbers(90));
            CHECK(many.substr(0, 8) == "1 3 5 7 ");
            CHECK(many.substr(many.size() - 6) == "87 89 ");
            CHECK(std::count(many.begin(), many.end(), ' ') == 45);
        }
    }

    TEST_CASE("fork_all: a range that throws destroys the children that it has given; none has started") {
        for (const int at : {0, 1, 16, 17, 40}) {
            CAPTURE(at);
            std::atomic<int> alive = 0, started = 0;
            CHECK(run_by(way::spawned, 1, range_that_throws(at, alive, started)) == "no more, alive 0, started 0");
        }
    }

    TEST_CASE("fork_all: outcomes are expected where children have errors") {
        for (const way how : all_ways) {
            CAPTURE(static_cast<int>(how));
            CHECK(run_by(how, 2, with_errors(0)) == "");
            CHECK(run_by(how, 2, with_errors(5)) == "no01no23no4");
        }
    }

    TEST_CASE("fork_all: a number that is not known is no limit where results are large") {
        for (const way how : all_ways) {
            for (const int n : {1, 4, 5, 8, 9, 33}) {
                CAPTURE(static_cast<int>(how));
                CAPTURE(n);
                CHECK(run_by(how, 2, sums_of_large(n)) == n * (n - 1));
            }
        }
    }

    TEST_CASE("fork_all: children of void write into what they borrow, and give a unit each") {
        for (const way how : all_ways) {
            CAPTURE(static_cast<int>(how));
            CHECK(run_by(how, 2, squares(0, -1)) == "0:");
            CHECK(run_by(how, 2, squares(5, -1)) == "5: 0 1 4 9 16");
            CHECK(run_by(how, 2, squares(5, 2)) == "bad 2: 0 1 0 9 16");
        }
    }

    TEST_CASE("fork_all: children are futures of any kind, and those of a range that is lent stay there") {
        auto both = []() -> task<int> {
            std::vector futures(3, pollux::ready(4));
            int sum = 0;
            for (int round = 0; round != 2; ++round) {
                const auto outcomes = co_await pollux::fork_all(futures);
                for (const int each : outcomes) sum += each;
            }
            co_return sum;
        };
        for (const way how : all_ways) CHECK(run_by(how, 2, both()) == 24);
    }

    TEST_CASE("fork_all: throws the first exception in the range's order, and destroys the other results") {
        for (const way how : all_ways) {
            for (const unsigned n : {1u, 2u}) {
                CAPTURE(static_cast<int>(how));
                std::atomic<int> alive = 0;
                CHECK(run_by(how, n, what_is_thrown(alive)) == "behind 3, alive 0");
                CHECK(alive == 0);
            }
        }
    }

    TEST_CASE("fork_all: what is aborted while some of its children have ended leaves nothing") {
        for (const unsigned n : {1u, 2u}) {
            pollux::runtime rt(workers(n));
            for (const std::size_t ended : {0u, 1u, 4u, 5u}) {
                CAPTURE(ended);
                std::atomic<int> alive = 0;
                std::vector<manual_event> events(5);
                auto handle = rt.spawn(waits_for_all(events, alive));
                wait_until([&] { return std::ranges::all_of(events, [](auto& each) { return each.polls() != 0; }); });
                CHECK(alive == 6);
                for (std::size_t i = 0; i != ended; ++i) events[i].set();
                if (ended == 5) {
                    CHECK(rt.block_on(handle) == 5);
                } else {
                    handle.abort();
                    CHECK_THROWS_AS(rt.block_on(handle), pollux::task_cancelled);
                }
                wait_until([&] { return alive == 0; });
            }
        }
    }

    // into_task was called without its namespace.
    TEST_CASE("fork_all: of futures whose namespace has functions of the library's names") {
        pollux::runtime rt(workers(1));
        const auto all = rt.block_on([]() -> task<std::vector<greedy::message>> {
            std::vector<greedy::work> works{greedy::work(1), greedy::work(2)};
            co_return co_await pollux::fork_all(std::move(works));
        });
        CHECK(all == std::vector<greedy::message>{{1}, {2}});
    }
}

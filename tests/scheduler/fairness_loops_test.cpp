// SPDX-License-Identifier: MIT
// Whatever loops inside of one poll (the consumers and adapters of streams, sinks, sets of children, a coroutine) lets a sibling
// task run, though its source is always ready and asks for no budget itself.
#include <doctest/doctest.h>

#include <expected>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/coro/async_stream.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/sink.hpp"
#include "pollux/stream.hpp"
#include "pollux/sync/mpsc.hpp"

namespace {

using pollux::context;
using pollux::never;
using pollux::polled;
using pollux::task;

// What one test looks at. A loop that does not yield comes to its end here, and is found out, instead of running for ever.
struct watch {
    static constexpr int too_many = 1'000'000;

    bool is_over() {
        ++steps;
        return has_sibling_run || steps == too_many;
    }

    int steps = 0;
    bool has_sibling_run = false;
};

// Always ready, until the sibling has run.
class endless {
public:
    using value_type = int;
    using error_type = never;

    explicit endless(watch& seen) : seen_(&seen) {}
    polled<std::optional<int>> poll_next(context&) {
        if (seen_->is_over()) return std::nullopt;
        return seen_->steps;
    }

private:
    watch* seen_;
};

// Never ready and always woken, until the sibling has run.
class spinning {
public:
    using value_type = int;
    using error_type = never;

    explicit spinning(watch& seen) : seen_(&seen) {}
    polled<int> poll(context& cx) {
        if (seen_->is_over()) return 1;
        cx.waker().wake();
        return pollux::pending;
    }

private:
    watch* seen_;
};

// The same as a stream, which ends then.
class spinning_stream {
public:
    using value_type = int;
    using error_type = never;

    explicit spinning_stream(watch& seen) : inner_(seen) {}
    polled<std::optional<int>> poll_next(context& cx) {
        if (inner_.poll(cx).is_pending()) return pollux::pending;
        return std::nullopt;
    }

private:
    spinning inner_;
};

// Takes every item at once.
struct greedy_sink {
    using item_type = int;
    using error_type = never;
    polled<> poll_ready(context&) { return polled<>::ready(); }
    void start_send(int) {}
    polled<> poll_flush(context&) { return polled<>::ready(); }
    polled<> poll_close(context&) { return polled<>::ready(); }
};

// `make(watch&)` returns the future that loops.
template <class Make>
void lets_a_sibling_run(const std::string& what, Make make) {
    CAPTURE(what);
    watch seen;
    pollux::current_thread_runtime rt;
    auto busy = rt.spawn(make(seen));
    rt.poll_once();
    // One poll's share, and no more: what loops over a loop pays for both, and a set looks at each child a few times.
    CHECK(seen.steps >= 1);
    CHECK(seen.steps <= 1024);
    CHECK_FALSE(busy.is_finished());
    if (busy.is_finished()) return;  // the others of this case are looked at, too
    rt.spawn(pollux::lazy([&seen] { seen.has_sibling_run = true; })).detach();
    CHECK(rt.poll_once() == 2);
    CHECK(seen.has_sibling_run);
    CHECK(seen.steps <= 2048);
    rt.run_until_stalled();
    CHECK(busy.is_finished());
}

template <class Make>
std::vector<std::invoke_result_t<Make, watch&>> three(Make make, watch& seen) {
    std::vector<std::invoke_result_t<Make, watch&>> made;
    for (int i = 0; i != 3; ++i) made.push_back(make(seen));
    return made;
}
spinning spins(watch& seen) { return spinning(seen); }

task<int, std::string> fails_last(watch& seen) {
    static_cast<void>(co_await spinning(seen));
    co_return std::unexpected("over");
}

pollux::async_stream<int> through(watch& seen) {
    endless source(seen);
    while (auto item = co_await pollux::next(source)) co_yield *item;
}

}  // namespace

TEST_SUITE("scheduler/fairness_loops") {
    TEST_CASE("fairness: each consumer of an always ready stream lets its sibling run") {
        lets_a_sibling_run(
            "fold", [](watch& seen) { return pollux::fold(endless(seen), 0, [](int, int item) { return item; }); });
        lets_a_sibling_run("fold of futures", [](watch& seen) {
            return pollux::fold(endless(seen), 0, [](int, int item) { return pollux::ready(item); });
        });
        lets_a_sibling_run("for_each", [](watch& seen) { return pollux::for_each(endless(seen), [](int) {}); });
        lets_a_sibling_run("for_each of coroutines", [](watch& seen) {
            return pollux::for_each(endless(seen), [](int) -> task<> { co_return; });
        });
        lets_a_sibling_run("for_each_concurrent", [](watch& seen) {
            return pollux::for_each_concurrent(endless(seen), 4, [](int) { return pollux::ready(); });
        });
        lets_a_sibling_run("for_each_concurrent without a limit", [](watch& seen) {
            return pollux::for_each_concurrent(endless(seen), 0, [](int) { return pollux::ready(); });
        });
        lets_a_sibling_run("collect", [](watch& seen) { return pollux::collect(endless(seen)); });
        lets_a_sibling_run("count", [](watch& seen) { return pollux::count(endless(seen)); });
        lets_a_sibling_run("concat", [](watch& seen) {
            return endless(seen) | pollux::map([](int) { return std::string("a"); }) | pollux::concat();
        });
        lets_a_sibling_run("any", [](watch& seen) { return pollux::any(endless(seen), [](int) { return false; }); });
        lets_a_sibling_run(
            "all", [](watch& seen) { return pollux::all(endless(seen), [](int) { return pollux::ready(true); }); });
        lets_a_sibling_run("forward", [](watch& seen) { return pollux::forward(endless(seen), greedy_sink()); });
        lets_a_sibling_run("forward through buffer, with and fanout", [](watch& seen) {
            return endless(seen) |
                   pollux::forward(greedy_sink() | pollux::fanout(greedy_sink()) |
                                   pollux::with<int>([](int item) { return item; }) | pollux::buffer(8));
        });
        lets_a_sibling_run("send_all", [](watch& seen) -> task<> {
            greedy_sink into;
            co_await pollux::send_all(into, endless(seen));
        });
        lets_a_sibling_run("forward to an unbounded channel", [](watch& seen) {
            auto [tx, rx] = pollux::sync::mpsc::unbounded<int>();
            return pollux::join(pollux::forward(endless(seen), std::move(tx)), pollux::count(std::move(rx)));
        });
    }

    TEST_CASE("fairness: a coroutine that loops over an always ready stream lets its sibling run") {
        lets_a_sibling_run("next", [](watch& seen) -> task<> {
            endless source(seen);
            while (auto item = co_await pollux::next(source)) static_cast<void>(*item);
        });
        lets_a_sibling_run("next behind try_", [](watch& seen) -> task<void, std::string> {
            endless source(seen);
            while (auto item = co_await pollux::try_(pollux::next(source))) static_cast<void>(*item);
            co_return {};
        });
        // Of a stream that goes on: at the end of one it would wait for ever.
        lets_a_sibling_run("select_next_some", [](watch& seen) -> task<> {
            auto source = pollux::repeat(1);
            while (!seen.is_over()) {
                const int item = co_await pollux::select_next_some(source);
                static_cast<void>(item);
            }
        });
        lets_a_sibling_run("next of an async_stream", [](watch& seen) -> task<> {
            auto source = through(seen);
            while (auto item = co_await pollux::next(source)) static_cast<void>(*item);
        });
        lets_a_sibling_run("peek", [](watch& seen) -> task<> {
            auto source = pollux::peekable(endless(seen));
            while (const int* item = co_await source.peek()) {
                static_cast<void>(*item);
                static_cast<void>(co_await pollux::next(source));
            }
        });
        lets_a_sibling_run("send", [](watch& seen) -> task<> {
            greedy_sink into;
            while (!seen.is_over()) co_await pollux::send(into, 1);
        });
    }

    TEST_CASE("fairness: each adapter that leaves items out or gathers them lets its sibling run") {
        const auto consume = [](auto source) { return pollux::count(std::move(source)); };
        lets_a_sibling_run(
            "filter", [&](watch& seen) { return consume(endless(seen) | pollux::filter([](int) { return false; })); });
        lets_a_sibling_run("filter of futures", [&](watch& seen) {
            return consume(endless(seen) | pollux::filter([](int) { return pollux::ready(false); }));
        });
        lets_a_sibling_run("filter_map", [&](watch& seen) {
            return consume(endless(seen) | pollux::filter_map([](int) { return std::optional<int>(); }));
        });
        lets_a_sibling_run("filter_map of futures", [&](watch& seen) {
            return consume(endless(seen) | pollux::filter_map([](int) { return pollux::ready(std::optional<int>()); }));
        });
        lets_a_sibling_run("skip", [&](watch& seen) { return consume(endless(seen) | pollux::skip(1u << 30)); });
        lets_a_sibling_run("skip_while", [&](watch& seen) {
            return consume(endless(seen) | pollux::skip_while([](int) { return true; }));
        });
        lets_a_sibling_run("skip_while of futures", [&](watch& seen) {
            return consume(endless(seen) | pollux::skip_while([](int) { return pollux::ready(true); }));
        });
        lets_a_sibling_run("flat_map to nothing", [&](watch& seen) {
            return consume(endless(seen) | pollux::flat_map([](int) { return pollux::empty_stream<int>(); }));
        });
        lets_a_sibling_run("flatten", [&](watch& seen) {
            return consume(endless(seen) | pollux::map([](int item) { return pollux::iter({item}); }) |
                           pollux::flatten());
        });
        lets_a_sibling_run("flatten of a stream that does not end", [&](watch& seen) {
            return consume(pollux::once(pollux::ready(endless(seen))) | pollux::flatten());
        });
        lets_a_sibling_run("chunks", [&](watch& seen) { return consume(endless(seen) | pollux::chunks(1u << 30)); });
        lets_a_sibling_run("ready_chunks",
                           [&](watch& seen) { return consume(endless(seen) | pollux::ready_chunks(1u << 30)); });
        lets_a_sibling_run("chunks of one", [&](watch& seen) { return consume(endless(seen) | pollux::chunks(1)); });
        lets_a_sibling_run("take_until", [&](watch& seen) {
            return consume(endless(seen) | pollux::take_until(pollux::never_ready()));
        });
        lets_a_sibling_run("chain, zip, scan, enumerate, inspect and fuse", [&](watch& seen) {
            return consume(pollux::empty_stream<int>() | pollux::chain(endless(seen)) | pollux::zip(pollux::repeat(1)) |
                           pollux::scan(0, [](int&, std::pair<int, int> both) { return std::optional(both.first); }) |
                           pollux::enumerate() | pollux::inspect([](const auto&) {}) | pollux::fuse());
        });
        lets_a_sibling_run("then, and_then and boxed", [&](watch& seen) {
            return consume(endless(seen) | pollux::then([](int item) { return pollux::ready(item); }) |
                           pollux::and_then([](int item) { return pollux::ready(item); }) | pollux::boxed());
        });
        lets_a_sibling_run("merge", [&](watch& seen) { return consume(pollux::merge(endless(seen), endless(seen))); });
        lets_a_sibling_run("buffered", [&](watch& seen) {
            return consume(endless(seen) | pollux::map([](int item) { return pollux::ready(item); }) |
                           pollux::buffered(4));
        });
        lets_a_sibling_run("buffer_unordered", [&](watch& seen) {
            return consume(endless(seen) | pollux::map([](int item) { return pollux::ready(item); }) |
                           pollux::buffer_unordered(4));
        });
        lets_a_sibling_run("buffer_unordered of any number", [&](watch& seen) {
            return consume(endless(seen) | pollux::map([](int item) { return pollux::ready(item); }) |
                           pollux::buffer_unordered(1u << 30));
        });
        lets_a_sibling_run("stream_map", [&](watch& seen) {
            pollux::stream_map<int, endless> sources;
            sources.insert(1, endless(seen));
            sources.insert(2, endless(seen));
            return consume(std::move(sources));
        });
    }

    TEST_CASE("fairness: children that wake themselves in every poll let a sibling of their task run") {
        lets_a_sibling_run("join", [](watch& seen) { return pollux::join(spinning(seen), spinning(seen)); });
        lets_a_sibling_run("join_all", [](watch& seen) { return pollux::join_all(three(spins, seen)); });
        lets_a_sibling_run("try_join_all", [](watch& seen) { return pollux::try_join_all(three(spins, seen)); });
        lets_a_sibling_run("select_all", [](watch& seen) { return pollux::select_all(three(spins, seen)); });
        lets_a_sibling_run("select_ok", [](watch& seen) { return pollux::select_ok(three(fails_last, seen)); });
        lets_a_sibling_run("shared", [](watch& seen) { return pollux::shared(spinning(seen)); });
        lets_a_sibling_run("futures_unordered", [](watch& seen) {
            pollux::futures_unordered<spinning> children;
            for (int i = 0; i != 3; ++i) children.push(spinning(seen));
            return pollux::collect(std::move(children));
        });
        lets_a_sibling_run("futures_ordered", [](watch& seen) {
            pollux::futures_ordered<spinning> children;
            for (int i = 0; i != 3; ++i) children.push(spinning(seen));
            return pollux::collect(std::move(children));
        });
        lets_a_sibling_run("stream_map", [](watch& seen) {
            pollux::stream_map<int, spinning_stream> sources;
            for (int key = 0; key != 3; ++key) sources.insert(key, spinning_stream(seen));
            return pollux::count(std::move(sources));
        });
        lets_a_sibling_run("merge", [](watch& seen) {
            return pollux::count(pollux::merge(spinning_stream(seen), spinning_stream(seen)));
        });
        lets_a_sibling_run("buffered", [](watch& seen) {
            return pollux::iter({1, 2}) | pollux::map([&seen](int) { return spinning(seen); }) | pollux::buffered(2) |
                   pollux::count();
        });
        lets_a_sibling_run("buffer_unordered", [](watch& seen) {
            return pollux::iter({1, 2}) | pollux::map([&seen](int) { return spinning(seen); }) |
                   pollux::buffer_unordered(2) | pollux::count();
        });
        lets_a_sibling_run("for_each_concurrent", [](watch& seen) {
            return pollux::iter({1, 2}) | pollux::for_each_concurrent(2, [&seen](int) -> task<> {
                       static_cast<void>(co_await spinning(seen));
                   });
        });
    }
}

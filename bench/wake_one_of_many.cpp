// SPDX-License-Identifier: MIT
// One of N children is woken and its owner polled, R times in a row: what an event costs that concerns one of many. WORKERS picks
// the owner: 1 join_all, 2 try_join_all, 3 select_all, 4 futures_unordered, 5 buffer_unordered, 6 stream_map, 7 merge (of two). In
// ns, and in instructions a wake-up by callgrind: slope between two R, the third argument, with the same N. A child is chosen at
// random, of all or of as many as the fourth argument says. Those of 3 to 6 give a result each time, and of 3 to 5 a new child takes
// the place of the one that has finished.
// It does not show a runtime: wakers are called and polls made by hand. Of many children the cache misses stand in the ns; with
// few of many woken they go.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "measure.hpp"
#include "pollux/future.hpp"
#include "pollux/stream.hpp"

namespace {

// What the test of one child sees of it: the waker of its latest poll, and whether it is to give a result.
struct place {
    pollux::waker latest;
    bool is_ready = false;
};

struct leaf {
    using value_type = std::size_t;
    using error_type = pollux::never;
    pollux::polled<std::size_t> poll(pollux::context& cx) {
        place& mine = (*places)[index];
        if (std::exchange(mine.is_ready, false)) return index;
        mine.latest = cx.waker();
        return pollux::pending;
    }
    std::vector<place>* places;
    std::size_t index;
};

struct leaves {
    using value_type = std::size_t;
    using error_type = pollux::never;
    pollux::polled<std::optional<std::size_t>> poll_next(pollux::context& cx) {
        auto one = inner.poll(cx);
        if (one.is_pending()) return pollux::pending;
        return std::optional<std::size_t>(one.value());
    }
    leaf inner;
};

class scenario {
public:
    scenario(std::size_t children, std::size_t rounds, std::size_t woken)
        : rounds_(rounds), woken_(woken < children ? woken : children), places_(children) {}

    std::vector<place>& places() { return places_; }
    std::size_t size() const { return places_.size(); }
    leaf child(std::size_t index) { return {&places_, index}; }
    std::vector<leaf> children() {
        std::vector<leaf> all;
        for (std::size_t i = 0; i != size(); ++i) all.push_back(child(i));
        return all;
    }

    // Wakes one child after the other; `poll(index)` looks after the owner.
    template <class Poll>
    std::size_t run(bool with_result, Poll poll) {
        return bench::measure(rounds_, [&] {
            std::uint32_t random = 1;
            std::size_t sum = 0;
            for (std::size_t i = 0; i != rounds_; ++i) {
                random = random * 1664525U + 1013904223U;
                const std::size_t index = (std::uint64_t{random} * woken_) >> 32U;
                places_[index].is_ready = with_result;
                std::exchange(places_[index].latest, pollux::waker()).wake();
                sum += poll(index);
            }
            return sum;
        });
    }

private:
    std::size_t rounds_;
    std::size_t woken_;  // the first so many take turns
    std::vector<place> places_;
};

template <class Fut>
std::size_t run_future(scenario& it, Fut fut) {
    pollux::context cx(pollux::noop_waker());
    if (fut.poll(cx).is_ready()) return 0;
    return it.run(false, [&](std::size_t) { return std::size_t{fut.poll(cx).is_pending()}; });
}

// What select_all hands back, with the first child pushed into it again.
std::size_t run_select_all(scenario& it) {
    pollux::context cx(pollux::noop_waker());
    auto fut = pollux::select_all(it.children());
    if (fut.poll(cx).is_ready()) return 0;
    it.places()[0].is_ready = true;
    std::exchange(it.places()[0].latest, pollux::waker()).wake();
    auto first = fut.poll(cx);
    auto& rest = first.value().rest;
    rest.push(it.child(0));
    if (rest.poll_next(cx).is_ready()) return 0;
    return it.run(true, [&](std::size_t index) {
        const bool is_one = rest.poll_next(cx).value() == index;
        rest.push(it.child(index));
        return std::size_t{is_one && rest.poll_next(cx).is_pending()};
    });
}

std::size_t run_futures_unordered(scenario& it) {
    pollux::context cx(pollux::noop_waker());
    pollux::futures_unordered<leaf> set;
    for (const leaf each : it.children()) set.push(each);
    if (set.poll_next(cx).is_ready()) return 0;
    return it.run(true, [&](std::size_t index) {
        const bool is_one = set.poll_next(cx).value() == index;
        set.push(it.child(index));
        return std::size_t{is_one && set.poll_next(cx).is_pending()};
    });
}

std::size_t run_buffer_unordered(scenario& it) {
    pollux::context cx(pollux::noop_waker());
    std::size_t next = 0;
    auto source = pollux::poll_stream_fn([&](pollux::context&) {
        return pollux::polled<std::optional<leaf>>(
            std::optional<leaf>(it.child(next < it.size() ? next++ : next - it.size())));
    });
    auto results = pollux::buffer_unordered(std::move(source), it.size());
    if (results.poll_next(cx).is_ready()) return 0;
    return it.run(true, [&](std::size_t index) {
        const bool is_one = results.poll_next(cx).value() == index;
        next = it.size() + index;  // the one that takes its place
        return std::size_t{is_one && results.poll_next(cx).is_pending()};
    });
}

std::size_t run_stream_map(scenario& it) {
    pollux::context cx(pollux::noop_waker());
    pollux::stream_map<std::size_t, leaves> map;
    for (std::size_t i = 0; i != it.size(); ++i) map.insert(std::size_t{i}, leaves{it.child(i)});
    if (map.poll_next(cx).is_ready()) return 0;
    return it.run(true, [&](std::size_t index) {
        const bool is_one = map.poll_next(cx).value()->first == index;
        return std::size_t{is_one && map.poll_next(cx).is_pending()};
    });
}

std::size_t run_merge(scenario& it) {
    pollux::context cx(pollux::noop_waker());
    auto both = pollux::merge(leaves{it.child(0)}, leaves{it.child(1)});
    if (both.poll_next(cx).is_ready()) return 0;
    return it.run(true, [&](std::size_t index) {
        const bool is_one = both.poll_next(cx).value() == index;
        return std::size_t{is_one && both.poll_next(cx).is_pending()};
    });
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments given(argc, argv, 1'000);
    const std::size_t rounds = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1'000'000;
    const std::size_t woken = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : given.size;
    scenario it(given.workers == 7 ? 2 : given.size, rounds, woken);
    std::size_t done = 0;
    switch (given.workers) {
        case 1: done = run_future(it, pollux::join_all(it.children())); break;
        case 2: done = run_future(it, pollux::try_join_all(it.children())); break;
        case 3: done = run_select_all(it); break;
        case 4: done = run_futures_unordered(it); break;
        case 5: done = run_buffer_unordered(it); break;
        case 6: done = run_stream_map(it); break;
        case 7: done = run_merge(it); break;
        default: break;
    }
    return done == rounds ? 0 : 1;
}

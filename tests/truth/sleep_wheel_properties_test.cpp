// SPDX-License-Identifier: MIT
// The wheel of sleeps against std::multimap: random sleeps, from nanoseconds to years ahead or overdue, armed, dropped and fired in any
// order, with any tick.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "scheduler/sleep_wheel.hpp"
#include "support/wake_counter.hpp"
#include "truth/properties.hpp"

using namespace pollux::test;  // NOLINT: all of it is the language of these tests

namespace {

using pollux::detail::sleep_entry;
using pollux::detail::sleep_wheel;
using std::chrono::nanoseconds;
using time_point = sleep_wheel::time_point;

// From 1 ns to 9 years.
nanoseconds span(int number) { return nanoseconds((std::int64_t{1} + number % 8) << (8 * (number / 8 % 8))); }

class scenario {
public:
    explicit scenario(nanoseconds tick) : tick_(tick), wheel_(new sleep_wheel(0, tick)) { wheel_->fire(now_); }
    scenario(const scenario&) = delete;
    scenario& operator=(const scenario&) = delete;
    ~scenario() {
        for (const auto& [deadline, one] : model_) sleep_wheel::leave(one->entry);
        for (const auto& one : fired_) sleep_wheel::leave(one->entry);
    }

    void arm(time_point deadline) {
        auto one = std::make_shared<sleeper>();
        one->woken.on_wake([this, self = one.get()] { order_.push_back(self); });
        wheel_->arm(one->entry, deadline, one->woken.waker());
        model_.emplace(deadline, std::move(one));
    }

    void drop(int which) {
        if (model_.empty()) return;
        const auto at = std::next(model_.begin(), which % static_cast<int>(model_.size()));
        sleep_wheel::leave(at->second->entry);
        model_.erase(at);
        has_dropped_ = true;
    }

    void pass(nanoseconds time) {
        now_ += time;
        std::vector<const sleeper*> expected;
        while (!model_.empty() && model_.begin()->first <= last_tick()) {
            expected.push_back(model_.begin()->second.get());
            fired_.push_back(std::move(model_.begin()->second));
            model_.erase(model_.begin());
        }
        order_.clear();
        wheel_->fire(now_);
        if (order_ != expected)
            throw mismatch("fired " + std::to_string(order_.size()) + ", expected " + std::to_string(expected.size()) +
                           ", or in another order");
    }

    void compare() {
        same(wheel_->size(), model_.size());
        const time_point next = wheel_->begin_rest();
        wheel_->end_rest();
        if (model_.empty()) return same(next == time_point::max(), true);
        // Rounded up; what is overdue already may be fired in this tick.
        const time_point due = std::max(model_.begin()->first + (tick_ - nanoseconds(1)), last_tick());
        if (next > due) throw mismatch("would rest for too long");
        if (next <= now_ && model_.begin()->first > last_tick()) throw mismatch("would not rest");
        if (!has_dropped_ && next < model_.begin()->first) throw mismatch("would not rest for long enough");
    }

    time_point now() const { return now_; }

private:
    struct sleeper {
        sleep_entry entry{};
        wake_counter woken;
    };

    time_point last_tick() const { return time_point(tick_ * (now_.time_since_epoch() / tick_)); }

    const nanoseconds tick_;
    sleep_wheel::owner wheel_;
    time_point now_{std::chrono::hours(1)};
    std::multimap<time_point, std::shared_ptr<sleeper>> model_;
    std::vector<std::shared_ptr<sleeper>> fired_;
    std::vector<const sleeper*> order_;
    bool has_dropped_ = false;
};

}  // namespace

TEST_SUITE("truth/properties of the wheel of sleeps") {
    TEST_CASE("sleeps fire as a sorted container says") {
        check_property("sleep_wheel", [](const inputs& in) {
            scenario it(span(in.n + 8 * (in.units % 4)));
            // Both scripts, a step of one after a step of the other.
            for (std::size_t i = 0; i != 2 * std::max(in.first.size(), in.second.size()); ++i) {
                const script& steps = i % 2 == 0 ? in.first : in.second;
                if (i / 2 >= steps.size()) continue;
                const auto [what, number] = steps[i / 2];
                switch (what) {
                    case step::kind::value: it.arm(it.now() + span(number)); break;
                    case step::kind::error: it.drop(number); break;
                    case step::kind::pending_woken: it.arm(it.now() - span(number % 40)); break;
                    case step::kind::pending_waits: it.pass(span(number % 56)); break;
                }
                it.compare();
            }
            it.pass(span(56));
            it.compare();
        });
    }
}

// SPDX-License-Identifier: MIT
// The cells of one combinator of several futures: two children, each pair of endings, the order in which what they wait for happens,
// dropped before the first poll, after it, and after the result, as a plain value, boxed, and awaited by a task, plainly and by try_.
// several_model.hpp says what the journal must read.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/wake_counter.hpp"
#include "truth/future_cells.hpp"
#include "truth/journal.hpp"
#include "truth/several_model.hpp"

namespace pollux::test {

/// What up to three children wait for. A waker is kept when its child has gone, as whoever fires events may keep it.
class events {
public:
    bool are_due(std::size_t index) const { return due_[index]; }
    void keep(std::size_t index, const waker& latest) { kept_[index] = latest; }
    void fire(std::size_t index) {
        due_[index] = true;
        std::exchange(kept_[index], waker()).wake();
    }
    void wake_all() {
        for (waker& each : kept_) std::exchange(each, waker()).wake();
    }

private:
    bool due_[3] = {};
    waker kept_[3];
};

/// Child `index`: a future that ends as it is told, once its event has happened; until then it may be polled at any time.
class child_future {
public:
    using value_type = thing;
    using error_type = problem;

    child_future(journal& where, events& waits_for, std::size_t index, ending how)
        : named_(where, child_names[index]), events_(&waits_for), index_(index), how_(how) {}

    polled<thing, problem> poll(context& cx) {
        journal& where = named_.where();
        where.note(named_.name());
        if (begins_pending(how_) && (how_ == ending::never || !events_->are_due(index_))) {
            events_->keep(index_, cx.waker());
            return pending;
        }
        const int number = static_cast<int>(index_) + 1;
        if (how_ == ending::exception) throw std::runtime_error("thrown");
        if (how_ == ending::error || how_ == ending::pending_then_error)
            return polled<thing, problem>::failed(problem(where, number));
        return polled<thing, problem>::ready(thing(where, number));
    }

private:
    named named_;
    events* events_;
    std::size_t index_;
    ending how_;
};

/// The events of one cell: those of one step happen before the next poll.
using event_steps = std::vector<std::vector<std::size_t>>;

inline std::vector<event_steps> all_orders(ending a, ending b) {
    const auto fires = [](ending how) { return begins_pending(how) && how != ending::never; };
    if (fires(a) && fires(b)) return {{{0}, {1}}, {{1}, {0}}, {{0, 1}}, {{1, 0}}};
    if (fires(a)) return {{{0}}};
    if (fires(b)) return {{{1}}};
    return {{}};
}

struct several_cell {
    ending a;
    ending b;
    dropped when;
    form as;
    event_steps steps;
};

inline std::string described(const several_rule& rule, const several_cell& which) {
    std::string text = std::string(rule.name) + ": a: " + ending_names[static_cast<int>(which.a)] +
                       ", b: " + ending_names[static_cast<int>(which.b)] + ", dropped " +
                       dropped_names[static_cast<int>(which.when)] + ", " + form_names[static_cast<int>(which.as)] +
                       ", events:";
    for (const auto& step : which.steps) {
        text += " ";
        for (const std::size_t index : step) text += child_names[index];
    }
    return text;
}

inline several_model expected_of(const several_rule& rule, const several_cell& which) {
    several_model model(rule, which.a, which.b);
    if (which.when != dropped::before) model.poll();
    if (which.when == dropped::after) {
        for (const auto& step : which.steps) {
            const int wakes = model.wakes;
            if (!model.is_over)
                for (const std::size_t index : step) model.fire(index);
            if (model.wakes != wakes) model.poll();
        }
    }
    model.drop();
    return model;
}

template <class F>
void run_several_cell(const several_rule& rule, const several_cell& which, journal& notes, events& happening, F fut) {
    const wake_counter wakes;
    std::string result = "not polled";
    int polls = 0;
    bool is_over = false;
    {
        F in_place(std::move(fut));
        const auto poll = [&] {
            ++polls;
            try {
                auto answer = poll_with(in_place, wakes);
                result = shown(answer);
                is_over = answer.is_ready();
                if (is_over) notes.note("|");
            } catch (const std::runtime_error& error) {
                result = error.what();
                is_over = true;
                notes.note("|");
            }
        };
        if (which.when != dropped::before) poll();
        if (which.when == dropped::after) {
            for (const auto& step : which.steps) {
                const int count = wakes.count();
                if (!is_over)
                    for (const std::size_t index : step) happening.fire(index);
                if (wakes.count() != count) poll();
            }
        }
    }
    const int count = wakes.count();
    happening.wake_all();
    // The children of a range have wakers of their own, which know that their owner has gone.
    if (rule.is_range) CHECK(wakes.count() == count);
    CHECK_FALSE(wakes.is_kept());

    const several_model expected = expected_of(rule, which);
    if (is_in_task(which.as))
        CHECK(without_bar(notes.text()) == without_bar(expected.text));
    else
        CHECK(notes.text() == expected.text);
    CHECK(result == expected.result);
    CHECK(is_over == expected.is_over);
    CHECK(polls == expected.polls);
    CHECK(count == expected.wakes);
}

/// `make(a, b)` gives the future of the two children, which it takes or borrows. Returns how many cells it has run.
template <class Make>
int check_several(const several_rule& rule, Make make) {
    const auto check = [&](const several_cell& which) {
        const std::string where = described(rule, which);
        CAPTURE(where);
        journal notes;
        events happening;
        {
            child_future a(notes, happening, 0, which.a);
            child_future b(notes, happening, 1, which.b);
            auto fut = make(a, b);
            using F = decltype(fut);
            using T = typename F::value_type;
            using E = typename F::error_type;
            switch (which.as) {
                case form::plain: run_several_cell(rule, which, notes, happening, std::move(fut)); break;
                case form::boxed:
                    run_several_cell(rule, which, notes, happening, boxed_future<T, E>(std::move(fut)));
                    break;
                case form::in_task: run_several_cell(rule, which, notes, happening, awaited(std::move(fut))); break;
                case form::tried: run_several_cell(rule, which, notes, happening, tried(std::move(fut))); break;
            }
        }
        CHECK(notes.live == 0);
        CHECK(notes.copies == 0);
    };
    int cells = 0;
    for (const ending a : all_endings)
        for (const ending b : all_endings)
            for (const form as : {form::plain, form::boxed, form::in_task, form::tried}) {
                check({a, b, dropped::before, as, {}});
                check({a, b, dropped::during, as, {}});
                cells += 2;
                for (const event_steps& steps : all_orders(a, b)) {
                    check({a, b, dropped::after, as, steps});
                    ++cells;
                }
            }
    return cells;
}

}  // namespace pollux::test

// SPDX-License-Identifier: MIT
// The cells of one set of futures or streams: one child and two, each pair of endings, the order in which what they wait for happens,
// dropped before the first poll, after it, and when nothing more comes; as it is, boxed, moved after each poll, and inside a task.
// Where it can be, it is filled again after the first poll and when nothing more comes. sets_model.hpp says what the journal must read.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/next.hpp"
#include "support/wake_counter.hpp"
#include "truth/journal.hpp"
#include "truth/sets_model.hpp"
#include "truth/several_cells.hpp"

namespace pollux::test {

/// One item, which ends as the child of that ending does; then the end.
class child_stream {
public:
    using value_type = thing;
    using error_type = problem;

    child_stream(journal& where, events& waits_for, std::size_t index, ending how)
        : item_(where, waits_for, index, how), journal_(&where), index_(index) {}

    polled<std::optional<thing>, problem> poll_next(context& cx) {
        if (has_given_) {
            journal_->note(child_names[index_]);
            return std::nullopt;
        }
        auto item = item_.poll(cx);
        if (item.is_pending()) return pending;
        has_given_ = true;
        if (item.has_error()) return std::unexpected(std::move(item.error()));
        return std::optional<thing>(std::move(item.value()));
    }

private:
    child_future item_;
    journal* journal_;
    std::size_t index_;
    bool has_given_ = false;
};

enum class set_form { plain, boxed, moved, in_task };
inline constexpr const char* set_form_names[] = {"plain", "boxed", "moved", "in a task"};

struct set_cell {
    std::vector<ending> children;
    dropped when;
    set_form as;
    event_steps steps;

    bool can_be_filled() const { return as == set_form::plain || as == set_form::moved; }
};

inline std::string described(const char* name, const set_cell& which) {
    std::string text = std::string(name) + ":";
    for (const ending each : which.children) text += std::string(" ") + ending_names[static_cast<int>(each)] + ",";
    text += std::string(" dropped ") + dropped_names[static_cast<int>(which.when)] + ", " +
            set_form_names[static_cast<int>(which.as)] + ", events:";
    for (const auto& step : which.steps) {
        text += " ";
        for (const std::size_t index : step) text += child_names[index];
    }
    return text;
}

/// What a cell does, with the set and with the model: polls while there are results, and after each wake-up.
template <class Poll, class Fire, class Wakes, class Fill>
void drive_set(const set_cell& which, Poll poll, Fire fire, Wakes wakes, Fill fill) {
    if (which.when == dropped::before) return;
    if (which.when == dropped::during) {
        poll();
        if (which.can_be_filled()) fill();
        return;
    }
    const auto poll_all = [&] {
        while (poll() == set_answer::gave) {}
    };
    poll_all();
    for (const auto& step : which.steps) {
        const int count = wakes();
        for (const std::size_t index : step) fire(index);
        if (wakes() != count) poll_all();
    }
    if (!which.can_be_filled()) return;
    const int count = wakes();
    fill();
    if (wakes() != count) poll_all();
}

inline set_model expected_of(set_kind kind, const set_cell& which) {
    set_model model(kind);
    for (const ending each : which.children) model.push(each);
    // A task takes all results of its poll.
    const auto poll = [&] {
        set_answer answer = model.poll();
        while (which.as == set_form::in_task && answer == set_answer::gave) answer = model.poll();
        return answer;
    };
    drive_set(
        which, poll, [&](std::size_t index) { model.fire(index); }, [&] { return model.wakes; },
        [&] { model.push(ending::value); });
    model.drop();
    return model;
}

template <class S>
set_answer poll_noting(S& source, const wake_counter& wakes, journal& notes) {
    const auto waker = wakes.waker();
    context cx(waker);
    try {
        auto answer = source.poll_next(cx);
        if (answer.is_pending()) return set_answer::waits;
        notes.note("|" + shown(answer));
        return answer.has_value() && !answer.value().has_value() ? set_answer::ended : set_answer::gave;
    } catch (const std::runtime_error& error) {
        notes.note(std::string("|") + error.what());
        return set_answer::gave;
    }
}

template <class S>
task<> noting_all(S source, journal& notes) {
    for (bool is_over = false; !is_over;) {
        try {
            auto item = co_await next(source);
            notes.note("|" + shown(item));
            is_over = !item.has_value();
        } catch (const std::runtime_error& error) {
            notes.note(std::string("|") + error.what());
        }
    }
}

/// `add(set, index, ending)` puts a child into the set.
template <class S, class Add>
void run_set_cell(const set_cell& which, const wake_counter& wakes, journal& notes, events& happening, Add add) {
    S made;
    for (std::size_t i = 0; i != which.children.size(); ++i) add(made, i, which.children[i]);
    const auto fire = [&](std::size_t index) { happening.fire(index); };
    const auto count = [&] { return wakes.count(); };
    const auto fill_nothing = [] {};
    switch (which.as) {
        case set_form::plain:
            drive_set(
                which, [&] { return poll_noting(made, wakes, notes); }, fire, count,
                [&] { add(made, which.children.size(), ending::value); });
            break;
        case set_form::boxed: {
            auto box = boxed(std::move(made));
            drive_set(which, [&] { return poll_noting(box, wakes, notes); }, fire, count, fill_nothing);
            break;
        }
        case set_form::moved: {
            auto place = std::make_unique<S>(std::move(made));
            const auto poll_and_move = [&] {
                const set_answer answer = poll_noting(*place, wakes, notes);
                place = std::make_unique<S>(std::move(*place));
                return answer;
            };
            drive_set(which, poll_and_move, fire, count, [&] { add(*place, which.children.size(), ending::value); });
            break;
        }
        case set_form::in_task: {
            auto whole = noting_all(std::move(made), notes);
            const auto poll = [&] {
                return poll_with(whole, wakes).is_pending() ? set_answer::waits : set_answer::ended;
            };
            drive_set(which, poll, fire, count, fill_nothing);
            break;
        }
    }
}

/// `S` is the set, of children of type `Child`. Returns how many cells it has run.
template <class S, class Child, class Push>
int check_set(const char* name, set_kind kind, Push push) {
    int cells = 0;
    const auto check = [&](const set_cell& which) {
        const std::string where = described(name, which);
        CAPTURE(where);
        journal notes;
        events happening;
        const wake_counter wakes;
        run_set_cell<S>(which, wakes, notes, happening, [&](S& set, std::size_t index, ending how) {
            push(set, index, Child(notes, happening, index, how));
        });
        const int count = wakes.count();
        // The children have wakers of their own, which know that their owner has gone.
        happening.wake_all();
        CHECK(wakes.count() == count);
        CHECK_FALSE(wakes.is_kept());
        CHECK(notes.live == 0);
        CHECK(notes.copies == 0);
        const set_model expected = expected_of(kind, which);
        CHECK(notes.text() == expected.text);
        CHECK(count == expected.wakes);
        ++cells;
    };
    const auto check_all = [&](const std::vector<ending>& children, const std::vector<event_steps>& orders) {
        for (const set_form as : {set_form::plain, set_form::boxed, set_form::moved, set_form::in_task}) {
            check({children, dropped::before, as, {}});
            check({children, dropped::during, as, {}});
            for (const event_steps& steps : orders) check({children, dropped::after, as, steps});
        }
    };
    for (const ending a : all_endings) {
        check_all({a}, all_orders(a, ending::never));
        for (const ending b : all_endings) check_all({a, b}, all_orders(a, b));
    }
    return cells;
}

}  // namespace pollux::test

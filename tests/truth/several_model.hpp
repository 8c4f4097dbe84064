// SPDX-License-Identifier: MIT
// What several futures that are polled together must do, from the endings of two children: a small model of `join`, `select` and the
// others, which knows nothing of how they are made. The cells of several_cells.hpp compare it with them.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "truth/journal.hpp"

namespace pollux::test {

inline constexpr const char* child_names[] = {"a", "b", "c"};

/// What a combinator shows of its result: the outcomes that are there, which child was the last to end, how many have not ended.
struct several_outcomes {
    std::string of[2];
    std::size_t last;
    std::size_t left;
};

struct several_rule {
    const char* name;
    enum class until { all, all_or_error, first, first_value } ends;
    // Over a range: polls those that were woken, wakes its task once for those of one poll, and is dropped in the order of the range.
    // Of fixed arguments: polls all that have not ended, each of them wakes, and it is dropped as members are: the last one first.
    bool is_range;
    std::string (*shown)(const several_outcomes& outcomes);
    // The one that has ended is destroyed together with the losers, not before them.
    bool keeps_ended = false;
    // The others live on in the result.
    bool gives_rest = false;
    // Given with by_ref: destroyed by whoever has lent them, and not here.
    bool are_lent = false;
};

/// Polls, wake-ups and destructions as the rule says. Driven as the combinator is.
class several_model {
public:
    several_model(const several_rule& rule, ending a, ending b) : rule_(rule), children_{{a}, {b}} {}

    void poll() {
        ++polls;
        result = "pending";
        if (!rule_.is_range) woken_ = {0, 1};
        for (; !woken_.empty() && !is_over; woken_.pop_front())
            if (!children_[woken_.front()].has_ended) poll_child(woken_.front());
    }
    void fire(std::size_t index) {
        children_[index].is_due = true;
        if (children_[index].has_ended) return;
        if (!rule_.is_range || woken_.empty()) ++wakes;
        woken_.push_back(index);
    }
    void drop() {
        if (!rule_.is_range) destroy(1);
        destroy_rest();
    }

    std::string text;
    std::string result = "not polled";
    int polls = 0;
    int wakes = 0;
    bool is_over = false;

private:
    struct child {
        ending how;
        bool is_due = false;
        bool has_ended = false;
        bool is_destroyed = false;
    };

    void poll_child(std::size_t index) {
        child& polled = children_[index];
        note(child_names[index]);
        if (begins_pending(polled.how) && !polled.is_due) return;
        if (polled.how == ending::exception) return end("thrown");
        polled.has_ended = true;
        const bool has_failed = polled.how == ending::error || polled.how == ending::pending_then_error;
        outcomes_.of[index] = (has_failed ? "e" : "") + std::to_string(index + 1);
        outcomes_.last = index;
        --outcomes_.left;
        if (!rule_.keeps_ended) destroy(index);
        const bool are_all = outcomes_.left == 0;
        switch (rule_.ends) {
            case several_rule::until::all:
                if (are_all) end(rule_.shown(outcomes_));
                break;
            case several_rule::until::all_or_error:
                if (has_failed)
                    end(outcomes_.of[index]);
                else if (are_all)
                    end(rule_.shown(outcomes_));
                break;
            case several_rule::until::first: end(rule_.shown(outcomes_), rule_.gives_rest); break;
            case several_rule::until::first_value:
                if (!has_failed)
                    end(rule_.shown(outcomes_), rule_.gives_rest);
                else if (are_all)
                    end(outcomes_.of[index]);
                break;
        }
    }
    // The losers go before the result is handed out, but for those in it.
    void end(std::string with, bool lives_on = false) {
        result = std::move(with);
        is_over = true;
        if (lives_on) note("|");
        destroy_rest();
        if (!lives_on) note("|");
    }
    void destroy_rest() {
        destroy(0);
        destroy(1);
    }
    void destroy(std::size_t index) {
        if (rule_.are_lent || std::exchange(children_[index].is_destroyed, true)) return;
        note(std::string("~") + child_names[index]);
    }
    void note(const std::string& what) { text += (text.empty() ? "" : " ") + what; }

    const several_rule& rule_;
    child children_[2];
    std::deque<std::size_t> woken_ = {0, 1};  // in the first poll all
    several_outcomes outcomes_{.of = {}, .last = 0, .left = 2};
};

}  // namespace pollux::test

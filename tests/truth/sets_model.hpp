// SPDX-License-Identifier: MIT
// What a set of futures or streams must do, from the endings of its children: a small model of `futures_unordered`, `futures_ordered`
// and `stream_map`. The cells of sets_cells.hpp compare it with them.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "truth/journal.hpp"
#include "truth/several_model.hpp"

namespace pollux::test {

enum class set_kind { unordered, ordered, map };

/// What a poll of a set has said.
enum class set_answer { gave, waits, ended };

/// The journal holds the results, too: "|" before each, "|end" at the end.
class set_model {
public:
    explicit set_model(set_kind kind) : kind_(kind) {}

    void push(ending how) {
        woken_.push_back(children_.size());
        children_.push_back({how});
        if (std::exchange(is_polled_for_more_, false)) ++wakes;
    }
    // Polls those that were woken, until one gives a result; the others keep their turn.
    set_answer poll() {
        is_polled_for_more_ = true;
        while (!woken_.empty()) {
            const std::size_t index = woken_.front();
            woken_.pop_front();
            if (poll_child(index)) {
                is_polled_for_more_ = false;
                return set_answer::gave;
            }
        }
        return after_all();
    }
    void fire(std::size_t index) {
        children_[index].is_due = true;
        if (woken_.empty()) ++wakes;
        woken_.push_back(index);
    }
    void drop() {
        for (std::size_t i = 0; i != children_.size(); ++i) destroy(i);
    }

    std::string text;
    int wakes = 0;

private:
    struct child {
        ending how;
        bool is_due = false;
        bool has_result = false;  // of a stream: has given its one item
        bool is_destroyed = false;
        bool is_out = false;
        std::string result = {};
    };

    // True: the poll gives what has been noted.
    bool poll_child(std::size_t index) {
        child& polled = children_[index];
        note(child_names[index]);
        if (kind_ == set_kind::map && polled.has_result) {
            take_out(index);
            return false;
        }
        if (begins_pending(polled.how) && !polled.is_due) return false;
        if (polled.how == ending::exception) {
            take_out(index);
            note("|thrown");
            return true;
        }
        polled.has_result = true;
        const bool has_failed = polled.how == ending::error || polled.how == ending::pending_then_error;
        const std::string number = std::to_string(index + 1);
        polled.result = has_failed ? "e" + number : number;
        switch (kind_) {
            case set_kind::unordered: take_out(index); break;
            case set_kind::ordered: destroy(index); return false;
            case set_kind::map:
                if (!has_failed) polled.result = "(" + std::to_string(index) + "," + number + ")";
                woken_.push_back(index);
                break;
        }
        note("|" + polled.result);
        return true;
    }
    set_answer after_all() {
        for (child& oldest : children_) {
            if (oldest.is_out) continue;
            if (kind_ != set_kind::ordered || !oldest.has_result) return set_answer::waits;
            oldest.is_out = true;
            note("|" + oldest.result);
            is_polled_for_more_ = false;
            return set_answer::gave;
        }
        note("|end");
        return set_answer::ended;
    }
    void take_out(std::size_t index) {
        destroy(index);
        children_[index].is_out = true;
    }
    void destroy(std::size_t index) {
        if (!std::exchange(children_[index].is_destroyed, true)) note(std::string("~") + child_names[index]);
    }
    void note(const std::string& what) { text += (text.empty() ? "" : " ") + what; }

    set_kind kind_;
    std::vector<child> children_;
    std::deque<std::size_t> woken_;
    bool is_polled_for_more_ = false;
};

}  // namespace pollux::test

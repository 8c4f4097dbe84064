// SPDX-License-Identifier: MIT
// The cells of one row of the table of futures: a combinator over one input, as a plain value, boxed, and awaited by a task, plainly and by
// try_, for every ending of the input, dropped before its first poll, after it, and after the result. A row says what the journal must read.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future/boxed.hpp"
#include "support/wake_counter.hpp"
#include "truth/journal.hpp"

namespace pollux::test {

/// What is expected of a combinator. The journals hold polls ("in"), calls ("fn") and destructions ("~in"); "|" stands where the result
/// is handed out.
struct future_row {
    const char* name;
    // Destroyed without a poll, and after a poll that was pending.
    const char* before;
    const char* during;
    // From the poll in which the input ends.
    const char* value;
    const char* error;
    const char* exception;
    // What is handed out then; an exception is "thrown".
    const char* value_result;
    const char* error_result;
    const char* exception_result = "thrown";
    // How often its value or error is copied; else it is moved.
    int copies = 0;
    // How often the event of the input wakes the task.
    int wakes = 1;
    // After its end it is polled again, and is pending.
    bool goes_on = false;
};

/// The same of a source, which has no input: the journal and what is handed out from its first poll.
struct source_row {
    const char* name;
    const char* before;
    const char* polled;
    const char* result;
};

enum class dropped { before, during, after };
enum class form { plain, boxed, in_task, tried };
inline constexpr const char* dropped_names[] = {"before", "during", "after"};
inline constexpr const char* form_names[] = {"plain", "boxed", "in a task", "tried in a task"};

template <class F>
task<typename F::value_type, typename F::error_type> awaited(F fut) {
    if constexpr (std::is_void_v<outcome_of<F>>)
        co_await fut;
    else
        co_return co_await fut;
}

/// The same by try_: an error ends the task as it would end the future. A value that try_ would look into is awaited.
template <class F>
task<typename F::value_type, typename F::error_type> tried(F fut) {
    using T = typename F::value_type;
    using E = typename F::error_type;
    if constexpr (detail::try_shape<T, E>::looks_into_value) {
        co_return co_await fut;
    } else if constexpr (!std::is_void_v<T>) {
        co_return co_await try_(fut);
    } else {
        co_await try_(fut);
        if constexpr (!std::is_same_v<E, never>) co_return outcome_of<F>();
    }
}
inline bool is_in_task(form as) { return as == form::in_task || as == form::tried; }

/// A task's frame, with the future in it, goes before the result is handed out: the journal without the place of that.
inline std::string without_bar(std::string text) {
    const std::size_t at = text.find('|');
    if (at == std::string::npos) return text;
    text.erase(at, 1);
    if (const std::size_t two = text.find("  "); two != std::string::npos) text.erase(two, 1);
    if (text.ends_with(' ')) text.pop_back();
    if (text.starts_with(' ')) text.erase(0, 1);
    return text;
}

struct cell {
    ending how;
    dropped when;
    form as;
};

template <class F>
void run_future_cell(const future_row& row, const cell& which, journal& notes, F fut) {
    const wake_counter wakes;
    std::string result = "not polled";
    int polls = 0;
    {
        F in_place(std::move(fut));
        while (which.when != dropped::before && polls != 4) {
            ++polls;
            try {
                auto answer = poll_with(in_place, wakes);
                result = shown(answer);
                if (answer.is_ready()) {
                    notes.note("|");
                    break;
                }
            } catch (const std::runtime_error& error) {
                result = error.what();
                notes.note("|");
                break;
            }
            if (which.when == dropped::during || !notes.fire()) break;
        }
        if (row.goes_on && result != "pending" && which.when == dropped::after && !is_in_task(which.as))
            CHECK(poll_with(in_place, wakes).is_pending());
    }
    notes.forget();

    const bool ends = which.when == dropped::after ? which.how != ending::never
                                                   : which.when == dropped::during && !begins_pending(which.how);
    const bool waited = which.when == dropped::after && begins_pending(which.how) && which.how != ending::never;
    std::string expected = waited ? "in " : "";
    std::string expected_result = "pending";
    if (which.when == dropped::before) {
        expected = row.before;
        expected_result = "not polled";
    } else if (!ends) {
        expected = row.during;
    } else if (which.how == ending::exception) {
        expected += row.exception;
        expected_result = row.exception_result;
    } else if (which.how == ending::error || which.how == ending::pending_then_error) {
        expected += row.error;
        expected_result = row.error_result;
    } else {
        expected += row.value;
        expected_result = row.value_result;
    }
    std::string seen = notes.text();
    if (is_in_task(which.as)) {
        seen = without_bar(seen);
        expected = without_bar(expected);
    }
    CHECK(seen == expected);
    CHECK(result == expected_result);
    CHECK(notes.copies == (ends && which.how != ending::exception ? row.copies : 0));
    CHECK(polls == (which.when == dropped::before ? 0 : waited ? 2 : 1));
    CHECK(wakes.count() == (waited ? row.wakes : 0));
    CHECK_FALSE(wakes.is_kept());
}

// Not inlined: g++ 12 sees overflows that are none in the sum of strings.
[[gnu::noinline]] inline std::string name_of(const cell& which) {
    std::string text = ending_names[static_cast<int>(which.how)];
    text += ", dropped ";
    text += dropped_names[static_cast<int>(which.when)];
    text += ", ";
    text += form_names[static_cast<int>(which.as)];
    return text;
}

template <class Make>
int check_future_forms(const future_row& row, ending how, Make make) {
    int cells = 0;
    for (const dropped when : {dropped::before, dropped::during, dropped::after})
        for (const form as : {form::plain, form::boxed, form::in_task, form::tried}) {
            const std::string where = name_of({how, when, as});
            CAPTURE(row.name);
            CAPTURE(where);
            journal notes;
            {
                auto fut = make(notes);
                using F = decltype(fut);
                using T = typename F::value_type;
                using E = typename F::error_type;
                const cell which{how, when, as};
                switch (as) {
                    case form::plain: run_future_cell(row, which, notes, std::move(fut)); break;
                    case form::boxed: run_future_cell(row, which, notes, boxed_future<T, E>(std::move(fut))); break;
                    case form::in_task: run_future_cell(row, which, notes, awaited(std::move(fut))); break;
                    case form::tried: run_future_cell(row, which, notes, tried(std::move(fut))); break;
                }
            }
            CHECK(notes.live == 0);
            ++cells;
        }
    return cells;
}

/// `make(notes, input)` gives the combinator's future; the input has the value type `T`. Returns how many cells it has run.
template <class T = thing, class Make>
int check_future_row(const future_row& row, Make make) {
    int cells = 0;
    for (const ending how : all_endings)
        cells +=
            check_future_forms(row, how, [&](journal& notes) { return make(notes, scripted<T>(notes, "in", how)); });
    return cells;
}

/// `make(notes)` gives the source.
template <class Make>
int check_source_row(const source_row& row, Make make) {
    const future_row as_input_with_a_value = {.name = row.name,
                                              .before = row.before,
                                              .during = "",
                                              .value = row.polled,
                                              .error = "",
                                              .exception = "",
                                              .value_result = row.result,
                                              .error_result = ""};
    return check_future_forms(as_input_with_a_value, ending::value, make);
}

}  // namespace pollux::test

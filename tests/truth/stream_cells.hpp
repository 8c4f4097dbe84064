// SPDX-License-Identifier: MIT
// The cells of one row of the table of streams: an adapter or a consumer of a scripted stream, as a plain value, boxed and inside a
// coroutine, for every ending of one step of its input, dropped before its first poll, after the poll of that step, and at its end. A row
// says what the journal must read.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/coro/async_stream.hpp"
#include "pollux/coro/await.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/next.hpp"
#include "support/wake_counter.hpp"
#include "truth/future_cells.hpp"
#include "truth/journal.hpp"

namespace pollux::test {

/// The items 1, 2 and 3 and the end. The second ends as it is told: an error stands in its place, an exception comes instead of it, a
/// pending one waits for the event of the journal. A poll is noted with the number of the item that it asks for, "$" for the end.
template <class Make>
class [[nodiscard]] scripted_items {
    using item = std::invoke_result_t<Make&, int>;
    using answer = polled<std::optional<item>, problem>;

public:
    using value_type = item;
    using error_type = problem;

    scripted_items(journal& where, std::string name, ending how, Make make)
        : named_(where, std::move(name)), how_(how), make_(std::move(make)) {}

    /// For what takes one item only: the one that is scripted.
    scripted_items from_second() && {
        next_ = 2;
        return std::move(*this);
    }

    answer poll_next(context& cx) {
        journal& where = named_.where();
        where.note(named_.name() + (next_ == 4 ? "$" : std::to_string(next_)));
        if (next_ == 4) return answer::ready();
        if (next_ == 2 && how_ != ending::value) {
            if (how_ == ending::never) return pending;
            if (begins_pending(how_)) {
                if (waits_from_ < 0) waits_from_ = where.fired;
                if (waits_from_ == where.fired) {
                    where.keep(cx.waker());
                    return pending;
                }
            }
            if (how_ == ending::exception) throw std::runtime_error("thrown");
            if (how_ != ending::pending_then_value) return answer::failed(problem(where, next_++));
        }
        return answer::ready(std::in_place, make_(next_++));
    }

private:
    named named_;
    ending how_;
    Make make_;
    int next_ = 1;
    int waits_from_ = -1;  // events that there had been at the poll that was pending first
};

struct make_thing {
    journal* where;
    thing operator()(int n) const { return thing(*where, n); }
};
using items = scripted_items<make_thing>;
inline items items_in(journal& notes, ending how, std::string name = "in") {
    return items(notes, std::move(name), how, make_thing{&notes});
}

/// What is expected. The journals hold the polls of the source and of what it made ("in1", "f1"), calls ("fn"), destructions ("~in"), and
/// the answers in brackets, "[..]" for pending. What follows the last answer are the destructions. Texts that are not given are made
/// of `value` and `error` at the mark, which is the poll that ends as the cell says.
struct stream_row {
    const char* name;
    const char* value;
    const char* error;
    const char* exception = nullptr;      // else: at the mark of `value`, "[thrown]" and the destructions of its end
    const char* pending_value = nullptr;  // else: `value` with "[..]" and once more the mark behind the mark
    const char* pending_error = nullptr;  // else: the same of `error`
    const char* never = nullptr;          // else: as `exception`, with "[..]" and what `while_pending` says
    // The destructions, if they are not those of the end: without a poll, after the poll of the mark if that waits, and if it does not.
    const char* before = nullptr;
    const char* while_pending = nullptr;
    const char* between = nullptr;
    const char* between_error = nullptr;  // else: `between`
    const char* mark = "in2";
    int ends = 1;  // polls that answer the end
};

namespace cells {

// What stands behind the last answer, with the blank before it.
inline std::string tail_of(const std::string& text) { return text.substr(text.rfind(']') + 1); }
inline std::string tail_from(const char* given, const std::string& text) {
    return given == nullptr ? tail_of(text) : *given == '\0' ? "" : " " + std::string(given);
}

inline std::string to_end(const stream_row& row, ending how) {
    const std::string value = row.value;
    const std::string up_to_mark = value.substr(0, value.find(row.mark)) + row.mark;
    const auto with_wait = [&](std::string text) {
        return text.insert(text.find(row.mark), std::string(row.mark) + " [..] ");
    };
    switch (how) {
        case ending::value: return value;
        case ending::error: return row.error;
        case ending::pending_then_value: return row.pending_value != nullptr ? row.pending_value : with_wait(value);
        case ending::pending_then_error: return row.pending_error != nullptr ? row.pending_error : with_wait(row.error);
        case ending::exception:
            return row.exception != nullptr ? row.exception : up_to_mark + " [thrown]" + tail_of(value);
        case ending::never: break;
    }
    return row.never != nullptr ? row.never : up_to_mark + " [..]" + tail_from(row.while_pending, value);
}

inline std::string expected(const stream_row& row, const cell& which) {
    if (which.when == dropped::before) {
        const std::string text = tail_from(row.before, row.value);
        return text.empty() ? text : text.substr(1);
    }
    std::string text = to_end(row, which.how);
    if (which.when == dropped::during) {
        // An answer may have brackets in it; a blank or the end of the text follows its last.
        const std::size_t cut = (text + ' ').find("] ", text.find(row.mark));
        if (cut != text.rfind(']')) {
            const char* given = begins_pending(which.how) ? row.while_pending : row.between;
            if (which.how == ending::error && row.between_error != nullptr) given = row.between_error;
            text = text.substr(0, cut + 1) + tail_from(given, text);
        }
    }
    return text;
}

// A coroutine's frame, with all that is in it, goes before its last answer is handed out.
inline void put_destructions_first(std::string& text, bool is_stream) {
    if (text.find(']') == std::string::npos) return;
    const std::string tail = tail_of(text);
    text.erase(text.size() - tail.size());
    std::size_t at = text.rfind(" [") + 1;
    if (text.ends_with("[..]")) return void(text += tail);
    if (is_stream) {
        at = text.ends_with("[thrown]") ? at : text.find("[end]");
        if (at == std::string::npos) return void(text += tail);
    }
    if (!tail.empty()) text.insert(at, tail.substr(1) + " ");
}

inline int waits_in(const std::string& text) {
    int waits = 0;
    for (std::size_t at = text.find("[..]"); at != std::string::npos; at = text.find("[..]", at + 1)) ++waits;
    const std::size_t last = text.rfind('[');
    return last != std::string::npos && text.compare(last, 4, "[..]") == 0 ? waits - 1 : waits;
}

template <class S>
async_stream<typename S::value_type, typename S::error_type> streamed(S source) {
    while (auto item = co_await next(source)) {
        if constexpr (std::is_same_v<typename S::error_type, never>) {
            co_yield *std::move(item);
        } else if (item->has_value()) {
            co_yield **std::move(item);
        } else {
            co_yield std::unexpected(std::move(item->error()));
        }
    }
}

// One poll of a stream or a future, as the driver sees it.
struct seen {
    bool is_pending;
    bool is_last;
    std::string text;
};
template <class X>
seen poll(X& x, context& cx) {
    if constexpr (stream<X>) {
        auto answer = x.poll_next(cx);
        const bool is_end = answer.has_value() && !answer.value().has_value();
        return {answer.is_pending(), is_end, shown(answer)};
    } else {
        auto answer = x.poll(cx);
        return {answer.is_pending(), answer.is_ready(), shown(answer)};
    }
}

// What does not depend on the type is no template: there are hundreds of types.
inline void drive(const stream_row& row, const cell& which, journal& notes, const wake_counter& wakes, bool is_stream,
                  const std::function<seen(context&)>& poll_once) {
    int ends = 0;
    for (int polls = 0; which.when != dropped::before && polls != 40; ++polls) {
        seen answer{};
        try {
            const auto waker = wakes.waker();
            context cx(waker);
            answer = poll_once(cx);
        } catch (const std::runtime_error& error) {
            return notes.note("[" + std::string(error.what()) + "]");
        }
        notes.note("[" + (answer.is_pending ? ".." : answer.text) + "]");
        if (answer.is_last && (++ends == row.ends || !is_stream)) return;
        if (which.when == dropped::during && notes.text().find(row.mark) != std::string::npos) return;
        if (answer.is_pending && !notes.fire()) return;
    }
}

inline void verify(const stream_row& row, const cell& which, const journal& notes, const wake_counter& wakes,
                   bool is_stream) {
    std::string wanted = expected(row, which);
    const int waits = waits_in(wanted);
    if (which.as == form::in_task) put_destructions_first(wanted, is_stream);
    CHECK(notes.text() == wanted);
    CHECK(notes.live == 0);
    CHECK(wakes.count() == waits);
    CHECK_FALSE(wakes.is_kept());
}

template <class Make>
void run(const stream_row& row, const cell& which, journal& notes, Make make) {
    using X = decltype(make());
    const wake_counter wakes;
    {
        X in_place = make();
        drive(row, which, notes, wakes, stream<X>, [&in_place](context& cx) { return cells::poll(in_place, cx); });
    }
    notes.forget();
    verify(row, which, notes, wakes, stream<X>);
}

// Returns how many cells a row has.
inline int for_each_cell(const stream_row& row, const std::function<void(const cell&, journal&)>& run_cell) {
    int count = 0;
    for (const ending how : all_endings)
        for (const dropped when : {dropped::before, dropped::during, dropped::after})
            for (const form as : {form::plain, form::boxed, form::in_task}) {
                const std::string cell_name = std::string(row.name) + ", " + ending_names[static_cast<int>(how)] +
                                              ", dropped " + dropped_names[static_cast<int>(when)] + ", " +
                                              form_names[static_cast<int>(as)];
                CAPTURE(cell_name);
                journal notes;
                run_cell({how, when, as}, notes);
                ++count;
            }
    return count;
}

}  // namespace cells

/// `make(notes, how)` gives the stream or the future. Returns how many cells it has run.
template <class Make>
int check_stream_row(const stream_row& row, Make make) {
    return cells::for_each_cell(row, [&](const cell& which, journal& notes) {
        // Moved-from objects are counted too, so none may be left when the counts are looked at.
        const auto made = [&] { return make(notes, which.how); };
        using X = decltype(made());
        using T = typename X::value_type;
        using E = typename X::error_type;
        if (which.as == form::plain) {
            cells::run(row, which, notes, made);
        } else if constexpr (stream<X>) {
            if (which.as == form::boxed)
                cells::run(row, which, notes, [&] { return boxed_stream<T, E>(made()); });
            else
                cells::run(row, which, notes, [&] { return cells::streamed(made()); });
        } else {
            if (which.as == form::boxed)
                cells::run(row, which, notes, [&] { return boxed_future<T, E>(made()); });
            else
                cells::run(row, which, notes, [&] { return awaited(made()); });
        }
    });
}

inline constexpr int cells_of_a_row = 6 * 3 * 3;

}  // namespace pollux::test

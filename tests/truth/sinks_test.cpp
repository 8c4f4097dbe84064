// SPDX-License-Identifier: MIT
// The truth table of sinks: what sends into one, and its adapters under `forward`.
#include <doctest/doctest.h>

#include <cstdio>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "pollux/sink/buffer.hpp"
#include "pollux/sink/fanout.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/forward.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/sink/send_all.hpp"
#include "pollux/sink/sink_map_err.hpp"
#include "pollux/sink/split.hpp"
#include "pollux/sink/with.hpp"
#include "truth/sink_cells.hpp"

namespace {

using pollux::test::cells_of_a_row;
using pollux::test::check_stream_row;
using pollux::test::ending;
using pollux::test::items_in;
using pollux::test::journal;
using pollux::test::noting;
using pollux::test::problem;
using pollux::test::scripted;
using pollux::test::scripted_target;
using pollux::test::sink_step;
using pollux::test::stream_row;
using pollux::test::thing;

auto plain_target(journal& notes, std::string name = "out") {
    return scripted_target(notes, std::move(name), sink_step::none, ending::value);
}

// Three items by `forward` into what `adapt(notes, target)` makes of a target of which `which` ends as the cell says.
int check_step(const stream_row& row, sink_step which, auto adapt) {
    return check_stream_row(row, [&](journal& notes, ending how) {
        return pollux::forward(items_in(notes, ending::value), adapt(notes, scripted_target(notes, "out", which, how)));
    });
}

// Items are started at once or not at all: nothing is pending there.
stream_row of_start(const char* name, const char* value, const char* error, const char* mark) {
    return {.name = name,
            .value = value,
            .error = error,
            .pending_value = value,
            .pending_error = value,
            .never = value,
            .mark = mark};
}

// Its stream is empty.
struct duplex : scripted_target {
    using value_type = int;

    explicit duplex(scripted_target out) : scripted_target(std::move(out)) {}
    pollux::polled<std::optional<int>, problem> poll_next(pollux::context&) { return std::nullopt; }
};

}  // namespace

TEST_SUITE("truth/sinks") {
    TEST_CASE("one operation of a sink, for every ending, drop and form") {
        int cells = 0;
        const auto one = [&cells](const stream_row& row, sink_step which, auto make) {
            cells += check_stream_row(row, [&](journal& notes, ending how) {
                return make(notes, scripted_target(notes, "out", which, how, 1));
            });
        };
        const auto send = [](journal& notes, scripted_target out) {
            return pollux::send(std::move(out), thing(notes, 1));
        };
        one({.name = "send, ready",
             .value = "out.ready1 out.put1 out.flush [void] ~out",
             .error = "out.ready1 [e2] ~out",
             .mark = "out.ready1"},
            sink_step::ready, send);
        one(of_start("send, start", "out.ready1 out.put1 out.flush [void] ~out", "out.ready1 out.put1 [e2] ~out",
                     "out.put1"),
            sink_step::start, send);
        one({.name = "send, flush",
             .value = "out.ready1 out.put1 out.flush [void] ~out",
             .error = "out.ready1 out.put1 out.flush [e2] ~out",
             .mark = "out.flush"},
            sink_step::flush, send);
        one({.name = "flush", .value = "out.flush [void] ~out", .error = "out.flush [e2] ~out", .mark = "out.flush"},
            sink_step::flush, [](journal&, scripted_target out) { return pollux::flush(std::move(out)); });
        one({.name = "close", .value = "out.close [void] ~out", .error = "out.close [e2] ~out", .mark = "out.close"},
            sink_step::close, [](journal&, scripted_target out) { return pollux::close(std::move(out)); });
        std::printf("truth table of sinks, one operation: %d cells\n", cells);
        CHECK(cells == 5 * cells_of_a_row);
    }

    TEST_CASE("a stream into a sink, for every ending of either, drop and form") {
        int cells = 0;
        // They differ in the last step.
        for (const bool closes : {false, true}) {
            const std::string last = closes ? "out.close" : "out.flush";
            const std::string sent_one = "in1 out.ready1 out.put1 in2";
            const std::string sent_two = " out.ready2 out.put2";
            const std::string sent = " in3 out.ready3 out.put3 in$ " + last + " [void] ~in ~out";
            const std::string value = sent_one + sent_two + sent;
            const std::string source_error = sent_one + " [e2] ~in ~out";
            const std::string source_later = sent_one + " out.flush [..] in2" + sent_two + sent;
            const std::string source_error_later = sent_one + " out.flush [..] in2 [e2] ~in ~out";
            const std::string source_never = sent_one + " out.flush [..] ~in ~out";
            const std::string ready_error = sent_one + " out.ready2 [e2] ~in ~out";
            const std::string start_error = sent_one + sent_two + " [e2] ~in ~out";
            const std::string last_error = value.substr(0, value.find(" [void]")) + " [e2] ~in ~out";
            const auto check = [&](const stream_row& row, bool by_source, sink_step which) {
                const auto parts = [by_source, which](journal& notes, ending how) {
                    return std::pair(items_in(notes, by_source ? how : ending::value),
                                     scripted_target(notes, "out", which, how));
                };
                if (closes)
                    cells += check_stream_row(row, [&](journal& notes, ending how) {
                        auto [in, out] = parts(notes, how);
                        return pollux::forward(std::move(in), std::move(out));
                    });
                else
                    cells += check_stream_row(row, [&](journal& notes, ending how) {
                        auto [in, out] = parts(notes, how);
                        return pollux::send_all(std::move(out), std::move(in));
                    });
            };
            const char* const name = closes ? "forward" : "send_all";
            check({.name = name,
                   .value = value.c_str(),
                   .error = source_error.c_str(),
                   .pending_value = source_later.c_str(),
                   .pending_error = source_error_later.c_str(),
                   .never = source_never.c_str()},
                  true, sink_step::none);
            check({.name = name, .value = value.c_str(), .error = ready_error.c_str(), .mark = "out.ready2"}, false,
                  sink_step::ready);
            check(of_start(name, value.c_str(), start_error.c_str(), "out.put2"), false, sink_step::start);
            check({.name = name, .value = value.c_str(), .error = last_error.c_str(), .mark = last.c_str()}, false,
                  closes ? sink_step::close : sink_step::flush);
        }
        std::printf("truth table of sinks, a stream into one: %d cells\n", cells);
        CHECK(cells == 8 * cells_of_a_row);
    }

    TEST_CASE("buffer and split, which keep items, for every ending, drop and form") {
        int cells = 0;
        const auto buffered = [](journal&, scripted_target out) { return pollux::buffer(std::move(out), 2); };
        const char* const value =
            "in1 in2 out.ready1 out.put1 in3 out.ready2 out.put2 in$ out.ready3 out.put3 out.close [void] ~in ~out";
        // A sink that is not ready is left alone while there is room.
        cells += check_step(
            {.name = "buffer, ready",
             .value = value,
             .error = "in1 in2 out.ready1 out.put1 in3 out.ready2 [e2] ~in ~out",
             .pending_value =
                 "in1 in2 out.ready1 out.put1 in3 out.ready2 in$ out.ready2 [..] out.ready2 out.put2 out.ready3 "
                 "out.put3 out.close [void] ~in ~out",
             .pending_error = "in1 in2 out.ready1 out.put1 in3 out.ready2 in$ out.ready2 [..] out.ready2 [e2] ~in ~out",
             .never = "in1 in2 out.ready1 out.put1 in3 out.ready2 in$ out.ready2 [..] ~in ~out",
             .mark = "out.ready2"},
            sink_step::ready, buffered);
        cells += check_step(of_start("buffer, start", value,
                                     "in1 in2 out.ready1 out.put1 in3 out.ready2 out.put2 [e2] ~in ~out", "out.put2"),
                            sink_step::start, buffered);
        cells += check_step(
            {.name = "buffer, close",
             .value = value,
             .error =
                 "in1 in2 out.ready1 out.put1 in3 out.ready2 out.put2 in$ out.ready3 out.put3 out.close [e2] ~in ~out",
             .mark = "out.close"},
            sink_step::close, buffered);
        cells += check_step({.name = "buffer of none, ready",
                             .value = "in1 out.ready1 out.put1 in2 out.ready2 out.put2 in3 out.ready3 out.put3 in$ "
                                      "out.close [void] ~in ~out",
                             .error = "in1 out.ready1 out.put1 in2 out.ready2 [e2] ~in ~out",
                             .mark = "out.ready2"},
                            sink_step::ready,
                            [](journal&, scripted_target out) { return pollux::buffer(std::move(out), 0); });
        cells += check_step({.name = "split, ready",
                             .value = value,
                             .error = "in1 in2 out.ready1 out.put1 in3 out.ready2 [e2] ~in ~out",
                             .mark = "out.ready2"},
                            sink_step::ready, [](journal&, scripted_target out) {
                                return std::move(pollux::split(duplex(std::move(out))).first);
                            });
        std::printf("truth table of sinks, with room: %d cells\n", cells);
        CHECK(cells == 5 * cells_of_a_row);
    }

    TEST_CASE("fanout, for every ending of either sink, drop and form") {
        int cells = 0;
        const char* const value =
            "in1 out.ready1 b.ready1 out.put1 b.put1 in2 out.ready2 b.ready2 out.put2 b.put2 in3 out.ready3 b.ready3 "
            "out.put3 b.put3 in$ out.close b.close [void] ~in ~b ~out";
        const auto first = [](journal& notes, scripted_target out) {
            return pollux::fanout(std::move(out), plain_target(notes, "b"));
        };
        cells += check_step(
            {.name = "fanout, first ready",
             .value = value,
             .error = "in1 out.ready1 b.ready1 out.put1 b.put1 in2 out.ready2 b.ready2 [e2] ~in ~b ~out",
             .pending_value =
                 "in1 out.ready1 b.ready1 out.put1 b.put1 in2 out.ready2 b.ready2 [..] out.ready2 b.ready2 out.put2 "
                 "b.put2 in3 out.ready3 b.ready3 out.put3 b.put3 in$ out.close b.close [void] ~in ~b ~out",
             .pending_error =
                 "in1 out.ready1 b.ready1 out.put1 b.put1 in2 out.ready2 b.ready2 [..] out.ready2 b.ready2 "
                 "[e2] ~in ~b ~out",
             .never = "in1 out.ready1 b.ready1 out.put1 b.put1 in2 out.ready2 b.ready2 [..] ~in ~b ~out",
             .mark = "out.ready2"},
            sink_step::ready, first);
        cells += check_step(
            of_start("fanout, first start", value,
                     "in1 out.ready1 b.ready1 out.put1 b.put1 in2 out.ready2 b.ready2 out.put2 [e2] ~in ~b ~out",
                     "out.put2"),
            sink_step::start, first);
        // The one that is closed is not closed again.
        const std::string up_to_close = std::string(value).substr(0, std::string(value).find("out.close"));
        const std::string close_error = up_to_close + "out.close [e2] ~in ~b ~out";
        const std::string close_later = up_to_close + "out.close b.close [..] out.close [void] ~in ~b ~out";
        const std::string close_error_later = up_to_close + "out.close b.close [..] out.close [e2] ~in ~b ~out";
        const std::string close_never = up_to_close + "out.close b.close [..] ~in ~b ~out";
        cells += check_step({.name = "fanout, first close",
                             .value = value,
                             .error = close_error.c_str(),
                             .pending_value = close_later.c_str(),
                             .pending_error = close_error_later.c_str(),
                             .never = close_never.c_str(),
                             .mark = "out.close"},
                            sink_step::close, first);
        const std::string second_close_error = up_to_close + "out.close b.close [e2] ~in ~b ~out";
        cells += check_stream_row(
            {.name = "fanout, second close", .value = value, .error = second_close_error.c_str(), .mark = "b.close"},
            [](journal& notes, ending how) {
                auto both = pollux::fanout(plain_target(notes), scripted_target(notes, "b", sink_step::close, how));
                return pollux::forward(items_in(notes, ending::value), std::move(both));
            });
        std::printf("truth table of sinks, two of them: %d cells\n", cells);
        CHECK(cells == 4 * cells_of_a_row);
    }

    TEST_CASE("sinks with a function, for every ending, drop and form") {
        int cells = 0;
        const auto more = [](journal& notes, scripted_target out) {
            const auto twenty_more = [](problem p) { return problem(p.where(), p.number() + 20); };
            return pollux::sink_map_err(std::move(out), noting(notes, "fn", twenty_more));
        };
        const char* const value =
            "in1 out.ready1 out.put1 in2 out.ready2 out.put2 in3 out.ready3 out.put3 in$ out.close [void] ~in ~out ~fn";
        cells += check_step({.name = "sink_map_err, ready",
                             .value = value,
                             .error = "in1 out.ready1 out.put1 in2 out.ready2 fn [e22] ~in ~out ~fn",
                             .mark = "out.ready2"},
                            sink_step::ready, more);
        cells +=
            check_step(of_start("sink_map_err, start", value,
                                "in1 out.ready1 out.put1 in2 out.ready2 out.put2 fn [e22] ~in ~out ~fn", "out.put2"),
                       sink_step::start, more);
        cells += check_step(
            {.name = "sink_map_err, close",
             .value = value,
             .error = "in1 out.ready1 out.put1 in2 out.ready2 out.put2 in3 out.ready3 out.put3 in$ out.close fn [e22] "
                      "~in ~out ~fn",
             .mark = "out.close"},
            sink_step::close, more);
        cells += check_step(
            {.name = "with",
             .value =
                 "in1 out.ready1 fn out.put11 in2 out.ready2 fn out.put12 in3 out.ready3 fn out.put13 in$ out.close "
                 "[void] ~in ~out ~fn",
             .error = "in1 out.ready1 fn out.put11 in2 out.ready2 [e2] ~in ~out ~fn",
             .mark = "out.ready2"},
            sink_step::ready, [](journal& notes, scripted_target out) {
                const auto ten_more = [](thing t) { return thing(t.where(), t.number() + 10); };
                return pollux::with<thing>(std::move(out), noting(notes, "fn", ten_more));
            });
        // The future of an item runs when the sink is asked for the next.
        cells += check_stream_row(
            {.name = "with, future",
             .value = "in1 out.ready1 fn in2 f1 ~f1 out.ready1 out.put1 out.ready2 fn in3 f2 ~f2 out.ready2 out.put2 "
                      "out.ready3 fn in$ f3 ~f3 out.ready3 out.put3 out.close [void] ~in ~out ~fn",
             .error = "in1 out.ready1 fn in2 f1 ~f1 out.ready1 out.put1 out.ready2 fn in3 f2 ~f2 [e2] ~in ~out ~fn",
             .exception =
                 "in1 out.ready1 fn in2 f1 ~f1 out.ready1 out.put1 out.ready2 fn in3 f2 ~f2 [thrown] ~in ~out ~fn",
             .while_pending = "~in ~f2 ~out ~fn",
             .mark = "f2"},
            [](journal& notes, ending how) {
                const auto later = [&notes, how](const thing& t) {
                    const int n = t.number();
                    return scripted<>(notes, "f" + std::to_string(n), n == 2 ? how : ending::value, n);
                };
                return pollux::forward(items_in(notes, ending::value),
                                       pollux::with<thing>(plain_target(notes), noting(notes, "fn", later)));
            });
        std::printf("truth table of sinks, with a function: %d cells\n", cells);
        CHECK(cells == 5 * cells_of_a_row);
    }
}

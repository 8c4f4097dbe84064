// SPDX-License-Identifier: MIT
// What is sent into a sink arrives, all of it and in order, through every adapter, wherever the sink, the stream or a future is pending and
// whatever the budget of a poll is.
#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <utility>
#include <vector>

#include "pollux/future.hpp"
#include "pollux/sink.hpp"
#include "pollux/stream.hpp"
#include "truth/properties.hpp"
#include "truth/stream_models.hpp"

using namespace pollux::test;  // NOLINT: all of it is the language of these tests

namespace {

struct record {
    std::vector<int> put;
    std::size_t flushed = 0;
    bool is_closed = false;
};

// Pauses as a script says, which begins again when it has ended: at a step that is no pause it is ready, flushed or closed.
class [[nodiscard]] noisy_sink {
public:
    using item_type = int;
    using error_type = fault;

    noisy_sink(bell& at, script steps, record& into) : pauses_(at), steps_(std::move(steps)), into_(&into) {
        // There must be one.
        steps_.push_back({step::kind::value, 0});
    }

    pollux::polled<void, fault> poll_ready(pollux::context& cx) {
        if (into_->is_closed) throw mismatch("asked when it is closed");
        if (is_pausing(cx)) return pollux::pending;
        is_ready_ = true;
        return pollux::polled<>::ready();
    }
    std::expected<void, fault> start_send(int item) {
        if (!std::exchange(is_ready_, false)) throw mismatch("an item when it was not ready");
        into_->put.push_back(item);
        return {};
    }
    pollux::polled<void, fault> poll_flush(pollux::context& cx) {
        if (is_pausing(cx)) return pollux::pending;
        into_->flushed = into_->put.size();
        return pollux::polled<>::ready();
    }
    pollux::polled<void, fault> poll_close(pollux::context& cx) {
        if (into_->is_closed) throw mismatch("closed twice");
        if (is_pausing(cx)) return pollux::pending;
        into_->flushed = into_->put.size();
        into_->is_closed = true;
        return pollux::polled<>::ready();
    }

private:
    bool is_pausing(pollux::context& cx) {
        if (!pauses_.is_over(cx)) return true;
        const step now = steps_[at_++ % steps_.size()];
        if (now.what != step::kind::pending_woken && now.what != step::kind::pending_waits) return false;
        pauses_.begin(cx, now.what);
        return true;
    }

    pauses pauses_;
    script steps_;
    record* into_;
    std::size_t at_ = 0;
    bool is_ready_ = false;
};

void all_arrived(const record& into, const std::vector<int>& expected) {
    same(into.put, expected);
    same(into.flushed, expected.size());
}

// `adapt(driver, sink)` under `forward`; each item arrives as `becomes(item)`.
void check_sink(const char* name, auto adapt, auto becomes) {
    check_property(name, [&](const inputs& in) {
        driver d(in.units);
        record into;
        noisy_stream source(d.at(), without_errors(in.first));
        auto target = adapt(d, noisy_sink(d.at(), in.second, into), static_cast<std::size_t>(in.n));
        if (!d.finish(pollux::forward(std::move(source), std::move(target))).has_value()) throw mismatch("an error");
        std::vector<int> expected = values(plain(in.first));
        for (int& each : expected) each = becomes(each);
        all_arrived(into, expected);
        same(into.is_closed, true);
    });
}

int as_it_is(int i) { return i; }

}  // namespace

TEST_SUITE("truth/sink properties") {
    TEST_CASE("a stream into a sink, up to the first error of the stream") {
        for (const bool closes : {false, true}) {
            check_property(closes ? "forward" : "send_all", [closes](const inputs& in) {
                driver d(in.units);
                record into;
                noisy_stream source(d.at(), in.first);
                noisy_sink target(d.at(), in.second, into);
                const auto done = closes ? d.finish(pollux::forward(std::move(source), std::move(target)))
                                         : d.finish(pollux::send_all(target, source));
                const auto expected = gathered(plain(in.first));
                same(done.has_value(), expected.has_value());
                same(into.is_closed, closes && done.has_value());
                if (done.has_value()) return all_arrived(into, *expected);
                same(done.error(), expected.error());
                std::vector<int> before;
                for (const answer& each : plain(in.first)) {
                    if (!each.has_value()) break;
                    before.push_back(*each);
                }
                same(into.put, before);
            });
        }
    }

    TEST_CASE("one item after the other, each flushed before the next") {
        check_property("send, flush, close", [](const inputs& in) {
            driver d(in.units);
            record into;
            noisy_sink target(d.at(), in.second, into);
            std::vector<int> sent;
            for (const int i : values(plain(in.first))) {
                sent.push_back(i);
                d.finish(pollux::send(target, i));
                all_arrived(into, sent);
            }
            d.finish(pollux::flush(target));
            d.finish(pollux::close(target));
            all_arrived(into, sent);
            same(into.is_closed, true);
        });
    }

    TEST_CASE("the adapters of sinks lose nothing and change no order") {
        check_sink(
            "buffer", [](driver&, auto sink, std::size_t n) { return pollux::buffer(std::move(sink), n - 1); },
            as_it_is);
        check_sink(
            "sink_map_err",
            [](driver&, auto sink, std::size_t) {
                return pollux::sink_map_err(std::move(sink), [](fault f) { return f; });
            },
            as_it_is);
        check_sink(
            "with", [](driver&, auto sink, std::size_t) { return pollux::with<int>(std::move(sink), times_three); },
            times_three);
        check_sink(
            "with, later",
            [](driver& d, auto sink, std::size_t) {
                return pollux::with<int>(std::move(sink),
                                         [&d](int i) { return noisy_future<int>(d.at(), i % 4, times_three(i)); });
            },
            times_three);
        check_sink(
            "with, later, over buffer",
            [](driver& d, auto sink, std::size_t n) {
                return pollux::with<int>(pollux::buffer(std::move(sink), n),
                                         [&d](int i) { return noisy_future<int>(d.at(), i % 4, times_three(i)); });
            },
            times_three);
        check_property("fanout", [](const inputs& in) {
            driver d(in.units);
            record first;
            record second;
            // The pauses of the two differ: each begins with another script.
            auto both = pollux::fanout(noisy_sink(d.at(), in.second, first),
                                       pollux::buffer(noisy_sink(d.at(), in.first, second), 2));
            d.finish(pollux::forward(noisy_stream(d.at(), without_errors(in.first)), std::move(both)));
            const auto expected = values(plain(in.first));
            all_arrived(first, expected);
            all_arrived(second, expected);
            same(first.is_closed && second.is_closed, true);
        });
    }

    TEST_CASE("the halves of a split, side by side") {
        check_property("split", [](const inputs& in) {
            struct duplex : noisy_sink, noisy_stream {
                using error_type = fault;
                duplex(noisy_sink out, noisy_stream from) : noisy_sink(std::move(out)), noisy_stream(std::move(from)) {}
            };
            driver d(in.units);
            record into;
            duplex object(noisy_sink(d.at(), in.second, into), noisy_stream(d.at(), without_errors(in.second)));
            auto [out, from] = pollux::split(std::move(object));
            auto both =
                d.finish(pollux::join(pollux::forward(noisy_stream(d.at(), without_errors(in.first)), std::move(out)),
                                      pollux::collect(std::move(from))));
            same(std::get<1>(*both), std::expected<std::vector<int>, fault>(values(plain(in.second))));
            all_arrived(into, values(plain(in.first)));
        });
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/sink/split.hpp"

#include <doctest/doctest.h>

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/manual_stream.hpp"
#include "support/scripted_sink.hpp"
#include "support/wake_counter.hpp"

namespace {

using pollux::context;
using pollux::polled;
using pollux::test::poll_with;
using pollux::testing::assert_pending;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

using numbers = std::vector<int>;

// What it reads comes from one script and what it sends goes to another; `during_poll` runs inside of poll_next.
class duplex {
public:
    using value_type = int;
    using item_type = int;
    using error_type = std::string;
    using source_type = pollux::test::manual_stream<int, std::string>;
    using target_type = pollux::test::scripted_sink<int, std::string>;

    duplex(source_type& source, target_type& target, std::function<void()> during_poll = {})
        : source_(source.stream()), target_(target.sink()), during_poll_(std::move(during_poll)) {}

    polled<std::optional<int>, std::string> poll_next(context& cx) {
        if (during_poll_) during_poll_();
        return source_.poll_next(cx);
    }
    polled<void, std::string> poll_ready(context& cx) { return target_.poll_ready(cx); }
    std::expected<void, std::string> start_send(int item) { return target_.start_send(item); }
    polled<void, std::string> poll_flush(context& cx) { return target_.poll_flush(cx); }
    polled<void, std::string> poll_close(context& cx) { return target_.poll_close(cx); }

private:
    source_type::stream_type source_;
    target_type::sink_type target_;
    std::function<void()> during_poll_;
};

}  // namespace

TEST_SUITE("sink/split") {
    TEST_CASE("split: gives a sink and a stream, in both forms, with one allocation") {
        duplex::source_type source;
        duplex::target_type target;
        duplex object(source, target);
        const pollux::test::allocation_counter allocations;
        auto [sink, stream] = pollux::split(std::move(object));
        CHECK(allocations.count() == 1);
        static_assert(pollux::sink<decltype(sink), int> && !pollux::stream<decltype(sink)>);
        static_assert(pollux::stream<decltype(stream)> && !pollux::sink<decltype(stream)>);
        static_assert(std::is_same_v<decltype(sink)::error_type, std::string>);
        source.give(1);
        CHECK(assert_ready(poll_once(stream)).value() == 1);
        auto fut = pollux::send(sink, 2);
        CHECK(assert_ready(poll_once(fut)).has_value());
        CHECK(target.written() == numbers{2});
        duplex::source_type other_source;
        duplex::target_type other_target;
        auto piped = duplex(other_source, other_target) | pollux::split();
        auto closing = pollux::close(piped.first);
        CHECK(assert_ready(poll_once(closing)).has_value());
        CHECK(other_target.is_closed());
    }

    TEST_CASE("split: a half waits while the other is polled, and is woken when that has let go") {
        duplex::source_type source;
        duplex::target_type target;
        std::function<void()> during_poll;
        auto [sink, stream] = pollux::split(duplex(source, target, [&during_poll] { during_poll(); }));
        pollux::test::wake_counter reader;
        pollux::test::wake_counter early;
        pollux::test::wake_counter latest;
        auto fut = pollux::send(sink, 2);
        during_poll = [&] {
            assert_pending(poll_with(fut, early));
            assert_pending(poll_with(fut, latest));
            CHECK(latest.count() == 0);
        };
        const auto waker = reader.waker();
        context cx(waker);
        assert_pending(stream.poll_next(cx));
        CHECK(early.count() == 0);
        CHECK(latest.count() == 1);
        CHECK(target.ready_polls() == 0);
        CHECK(assert_ready(poll_with(fut, latest)).has_value());
        CHECK(target.written() == numbers{2});
        CHECK(reader.count() == 0);
        during_poll = [] {};
        source.give(3);
        CHECK(reader.count() == 1);
        CHECK(assert_ready(stream.poll_next(cx)).value() == 3);
    }

    TEST_CASE("split: an exception of the object lets go of it too") {
        duplex::source_type source;
        duplex::target_type target;
        auto [sink, stream] = pollux::split(duplex(source, target));
        source.throw_next(std::runtime_error("stream"));
        CHECK_THROWS_WITH(poll_once(stream), "stream");
        auto fut = pollux::send(sink, 1);
        target.throw_next_poll(std::runtime_error("sink"));
        CHECK_THROWS_WITH(poll_once(fut), "sink");
        source.end();
        CHECK(assert_ready(poll_once(stream)).value() == std::nullopt);
    }

    TEST_CASE("split: the sink half keeps a started item until the object is ready; errors come with the poll") {
        duplex::source_type source;
        duplex::target_type target(1);
        auto [sink, stream] = pollux::split(duplex(source, target));
        target.shut();
        context cx(pollux::noop_waker());
        for (int n : {1, 2}) {
            REQUIRE(sink.poll_ready(cx).has_value());
            REQUIRE(sink.start_send(n).has_value());
        }
        CHECK(target.held() == numbers{1});
        assert_pending(sink.poll_ready(cx));
        auto moved = std::move(sink);
        target.open();
        target.fail_next_start("refused");
        CHECK(assert_ready(moved.poll_flush(cx)).error() == "refused");
        CHECK(assert_ready(moved.poll_flush(cx)).has_value());
        CHECK(target.written() == numbers{1});
        source.fail("stream");
        CHECK(assert_ready(poll_once(stream)).error() == "stream");
    }

    TEST_CASE("split: the object lives until both halves are gone") {
        duplex::source_type source;
        duplex::target_type target;
        auto halves = std::make_optional(pollux::split(duplex(source, target)));
        auto sink = std::make_optional(std::move(halves->first));
        auto stream = std::make_optional(std::move(halves->second));
        halves.reset();
        sink.reset();
        CHECK(target.is_alive());
        source.give(1);
        CHECK(assert_ready(poll_once(*stream)).value() == 1);
        stream.reset();
        CHECK_FALSE(target.is_alive());
        CHECK_FALSE(source.is_alive());
    }

    TEST_CASE("split: a half may be destroyed while the other is polled") {
        duplex::source_type source;
        duplex::target_type target;
        std::function<void()> during_poll;
        auto halves = pollux::split(duplex(source, target, [&during_poll] { during_poll(); }));
        auto sink = std::make_optional(std::move(halves.first));
        pollux::test::wake_counter writer;
        during_poll = [&] {
            const auto waker = writer.waker();
            context cx(waker);
            assert_pending(sink->poll_flush(cx));
            sink.reset();
        };
        assert_pending(poll_once(halves.second));
        CHECK(target.is_alive());
        CHECK_FALSE(writer.is_kept());
    }

    TEST_CASE("reunite: gives the object back, wherever the halves went") {
        duplex::source_type source;
        duplex::target_type target;
        auto halves = pollux::split(duplex(source, target));
        assert_pending(poll_once(halves.second));
        auto sink = std::move(halves.first);
        duplex object = pollux::reunite(std::move(sink), std::move(halves.second));
        CHECK(target.is_alive());
        source.give(1);
        CHECK(assert_ready(poll_once(object)).value() == 1);
        auto fut = pollux::send(object, 2);
        CHECK(assert_ready(poll_once(fut)).has_value());
    }

    TEST_CASE("reunite: refuses halves of two pairs, which stay usable, and halves that are gone") {
        duplex::source_type sources[2];
        duplex::target_type targets[2];
        auto a = pollux::split(duplex(sources[0], targets[0]));
        auto b = pollux::split(duplex(sources[1], targets[1]));
        CHECK_THROWS_AS(pollux::reunite(std::move(a.first), std::move(b.second)), std::invalid_argument);
        sources[1].give(7);
        CHECK(assert_ready(poll_once(b.second)).value() == 7);
        auto fut = pollux::send(a.first, 1);
        CHECK(assert_ready(poll_once(fut)).has_value());
        duplex object = pollux::reunite(std::move(a.first), std::move(a.second));
        CHECK_THROWS_AS(pollux::reunite(std::move(a.first), std::move(a.second)), std::invalid_argument);
        CHECK(targets[0].is_alive());
    }
}

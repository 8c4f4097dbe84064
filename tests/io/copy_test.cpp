// SPDX-License-Identifier: MIT
#include "pollux/io/copy.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "pollux/io/duplex.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/limited_poll.hpp"
#include "support/scripted_bytes.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::io::errc;
using pollux::testing::assert_pending;
using pollux::testing::poll_once;

std::string random_bytes(std::mt19937& random, std::size_t n) {
    std::string bytes;
    while (bytes.size() != n) bytes += static_cast<char>(random());
    return bytes;
}

}  // namespace

TEST_SUITE("io/copy") {
    TEST_CASE("copy: writes all that is read, flushes at the end, and shuts nothing down") {
        const auto from = scripted_bytes::make("abcdef");
        const auto to = scripted_bytes::make("");
        auto source = stream_of(from);
        auto target = stream_of(to);
        auto fut = pollux::io::copy(source, target);
        static_assert(std::is_same_v<decltype(fut)::value_type, std::uint64_t>);
        CHECK(from->read_polls == 0);
        const allocation_counter allocations;
        CHECK(poll_once(fut).value() == 6);
        CHECK(allocations.count() == 1);
        CHECK(to->output == "abcdef");
        CHECK(to->flushed);
        CHECK(to->shutdowns == 0);
        CHECK(block_on(pollux::io::copy(source, target)).value() == 0);
    }
    TEST_CASE("copy: random short reads and writes leave the same bytes in the same order") {
        std::mt19937 random(9);
        for (int round = 0; round != 50; ++round) {
            CAPTURE(round);
            const std::string all = random_bytes(random, random() % 40'000);
            const auto from = scripted_bytes::make(all, random_script(random, 60, 900));
            const auto to = scripted_bytes::make("", {}, random_script(random, 60, 900));
            to->flushes = {waits(), waits()};
            auto source = stream_of(from);
            auto target = stream_of(to);
            CHECK(block_on(pollux::io::copy(source, target)).value() == all.size());
            CHECK(to->output == all);
            CHECK(to->flushed);
        }
    }
    TEST_CASE("copy: flushes what it has written while there is nothing to read") {
        const auto from = scripted_bytes::make("abcdef", {up_to(3), waits(), waits()});
        const auto to = scripted_bytes::make("");
        auto source = stream_of(from);
        auto target = stream_of(to);
        auto fut = pollux::io::copy(source, target);
        assert_pending(poll_once(fut));
        CHECK(to->output == "abc");
        CHECK(to->flushed);
        to->flushes = {fails(std::errc::io_error)};
        assert_pending(poll_once(fut));
        CHECK(to->flushes.size() == 1);
        CHECK(poll_once(fut).error() == std::errc::io_error);
    }
    TEST_CASE("copy: hands out errors of either side, and exceptions; a target that takes nothing is an error") {
        const auto outcome = [](scripted_bytes::script reads, scripted_bytes::script writes) {
            auto source = stream_of(scripted_bytes::make("abc", std::move(reads)));
            auto target = stream_of(scripted_bytes::make("", {}, std::move(writes)));
            return block_on(pollux::io::copy(source, target));
        };
        CHECK(outcome({up_to(1), fails(std::errc::connection_reset)}, {}).error() == std::errc::connection_reset);
        CHECK(outcome({}, {up_to(1), fails(std::errc::broken_pipe)}).error() == std::errc::broken_pipe);
        CHECK(outcome({}, {up_to(1), up_to(0)}).error() == errc::write_zero);
        CHECK_THROWS_AS(static_cast<void>(outcome({throws_once()}, {})), std::runtime_error);
    }
    TEST_CASE(
        "copy: dropped at every poll, what was written is the front of what was read, less than 8 KiB behind it") {
        std::mt19937 random(10);
        const std::string all = random_bytes(random, 30'000);
        for (int polls = 0; polls != 40; ++polls) {
            CAPTURE(polls);
            const auto from = scripted_bytes::make(all, random_script(random, 60, 3000));
            const auto to = scripted_bytes::make("", {}, random_script(random, 60, 3000));
            {
                auto source = stream_of(from);
                auto target = stream_of(to);
                auto fut = pollux::io::copy(source, target);
                for (int i = 0; i != polls; ++i)
                    if (poll_once(fut).is_ready()) break;
            }
            CHECK(to->output == all.substr(0, to->output.size()));
            CHECK(from->read >= to->output.size());
            CHECK(from->read - to->output.size() <= 8192);
        }
    }
    TEST_CASE("copy: yields in the end though both sides are always ready, and loses nothing by it") {
        std::string all(1'000'000, 'x');
        const auto from = scripted_bytes::make(all);
        const auto to = scripted_bytes::make("");
        auto source = stream_of(from);
        auto target = stream_of(to);
        const wake_counter woken;
        auto fut = pollux::io::copy(source, target);
        CHECK(poll_within(fut, 4, woken.waker()).is_pending());
        CHECK(woken.count() == 1);
        CHECK(from->read_polls + to->write_polls == 5);
        CHECK(block_on(std::move(fut)).value() == all.size());
        CHECK(to->output == all);
    }
    TEST_CASE("copy: may be moved before its first poll, and owns temporaries") {
        const auto from = scripted_bytes::make("abc");
        const auto to = scripted_bytes::make("");
        {
            auto fut = pollux::io::copy(stream_of(from), stream_of(to));
            auto moved = std::move(fut);
            CHECK(poll_once(moved).value() == 3);
            CHECK(from->is_alive);
        }
        CHECK(!from->is_alive);
        CHECK(!to->is_alive);
    }

    TEST_CASE("copy_bidirectional: copies both ways until both have ended, and shuts down each behind the last byte") {
        auto [client, a] = pollux::io::duplex(64);
        auto [b, server] = pollux::io::duplex(64);
        auto fut = pollux::io::copy_bidirectional(a, b);
        const wake_counter woken;
        CHECK(client.try_write("question").value() == 8);
        CHECK(poll_with(fut, woken).is_pending());
        CHECK(block_on(server.read_some(99)).value() == "question");
        CHECK(block_on(client.shutdown()).has_value());
        CHECK(woken.count() == 1);
        CHECK(poll_with(fut, woken).is_pending());
        CHECK(block_on(server.read_some(99)).value().empty());
        CHECK(server.try_write("answer").value() == 6);
        CHECK(poll_with(fut, woken).is_pending());
        CHECK(block_on(client.read_some(99)).value() == "answer");
        { const auto dropped = std::move(server); }
        const auto counts = poll_with(fut, woken).value();
        CHECK(counts.first == 8);
        CHECK(counts.second == 6);
        CHECK(block_on(client.read_some(99)).value().empty());
    }
    TEST_CASE("copy_bidirectional: random pieces on all four sides") {
        std::mt19937 random(12);
        for (int round = 0; round != 50; ++round) {
            CAPTURE(round);
            const auto a = scripted_bytes::make(random_bytes(random, random() % 20'000), random_script(random, 40, 900),
                                                random_script(random, 40, 900));
            const auto b = scripted_bytes::make(random_bytes(random, random() % 20'000), random_script(random, 40, 900),
                                                random_script(random, 40, 900));
            a->flushes = {waits()};
            auto left = stream_of(a);
            auto right = stream_of(b);
            const auto counts = block_on(pollux::io::copy_bidirectional(left, right)).value();
            CHECK(counts.first == a->input.size());
            CHECK(counts.second == b->input.size());
            CHECK(b->output == a->input);
            CHECK(a->output == b->input);
            CHECK(a->shutdowns == 1);
            CHECK(b->shutdowns == 1);
        }
    }
    TEST_CASE("copy_bidirectional: the first error of either way ends it") {
        const auto a = scripted_bytes::make("abc", {waits(), waits()});
        const auto b = scripted_bytes::make("abc", {fails(std::errc::connection_reset)});
        auto left = stream_of(a);
        auto right = stream_of(b);
        CHECK(block_on(pollux::io::copy_bidirectional(left, right)).error() == std::errc::connection_reset);
        CHECK(a->shutdowns == 0);
    }
    TEST_CASE("copy_bidirectional: one way that is always ready does not starve the other") {
        const auto a = scripted_bytes::make(std::string(1'000'000, 'x'));
        const auto b = scripted_bytes::make(std::string(1'000'000, 'y'));
        auto left = stream_of(a);
        auto right = stream_of(b);
        const wake_counter woken;
        auto fut = pollux::io::copy_bidirectional(left, right);
        CHECK(poll_within(fut, 6, woken.waker()).is_pending());
        CHECK(poll_within(fut, 6, woken.waker()).is_pending());
        CHECK(b->output.size() > 0);
        CHECK(a->output.size() > 0);
        CHECK(block_on(std::move(fut)).value().second == 1'000'000);
    }
}

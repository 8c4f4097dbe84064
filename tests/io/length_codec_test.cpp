// SPDX-License-Identifier: MIT
#include "pollux/io/length_codec.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/io/framed.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/allocation_counter.hpp"
#include "support/scripted_bytes.hpp"

namespace {

using namespace pollux::test;
using pollux::block_on;
using pollux::next;
using pollux::io::errc;
using pollux::io::framed;
using pollux::io::length_codec;
using pollux::testing::assert_pending;
using pollux::testing::poll_once;

using texts = std::vector<std::string>;

std::string frame(const std::string& item) {
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(item.size() >> shift & 0xff);
    return bytes + item;
}

}  // namespace

TEST_SUITE("io/length_codec") {
    TEST_CASE("length_codec: four bytes, the highest first, then the item; the empty one is a frame, too") {
        const auto script = scripted_bytes::make("");
        auto out = framed(stream_of(script), length_codec{});
        CHECK(block_on(pollux::send(out, "abc")).has_value());
        CHECK(block_on(pollux::send(out, "")).has_value());
        CHECK(block_on(pollux::send(out, std::string(0x01'02'03, 'x'))).has_value());
        CHECK(script->output.substr(0, 11) == std::string("\0\0\0\3abc\0\0\0\0", 11));
        CHECK(script->output.substr(11, 4) == std::string("\0\1\2\3", 4));
        CHECK(script->output.size() == 15 + 0x01'02'03);
    }
    TEST_CASE("length_codec: gives the items back, in random pieces and cut at every byte") {
        std::mt19937 random(4);
        texts items{"", "a", std::string(300, 'b'), "", std::string("\0\1\2", 3), std::string(20'000, 'c')};
        std::string bytes;
        for (const auto& item : items) bytes += frame(item);
        for (int round = 0; round != 400; ++round) {
            CAPTURE(round);
            scripted_bytes::script reads = random_script(random, 40, 60);
            if (round < 330) reads = {up_to(1 + static_cast<std::size_t>(round)), waits()};
            auto in = framed(stream_of(scripted_bytes::make(bytes, reads)), length_codec{});
            texts got;
            while (auto item = block_on(next(in))) got.push_back(item->value());
            REQUIRE(got == items);
        }
    }
    TEST_CASE("length_codec: a frame over the maximum is an error as soon as its length has come, and the last item") {
        const auto script = scripted_bytes::make(frame("abc") + frame("abcdef") + frame("x"), {up_to(11), waits()});
        auto in = framed(stream_of(script), length_codec{5});
        CHECK(block_on(next(in))->value() == "abc");
        CHECK(block_on(next(in))->error() == errc::frame_too_long);
        CHECK(script->read == 11);
        CHECK(!block_on(next(in)).has_value());
        CHECK(!block_on(next(in)).has_value());
        auto highest = framed(stream_of(scripted_bytes::make("\xff\xff\xff\xff")), length_codec{});
        CHECK(block_on(next(highest))->error() == errc::frame_too_long);
    }
    TEST_CASE("length_codec: exactly the maximum goes through; the default is 8 MiB") {
        auto in = framed(stream_of(scripted_bytes::make(frame("abcde"))), length_codec{5});
        CHECK(block_on(next(in))->value() == "abcde");
        pollux::io::byte_buffer header;
        length_codec codec;
        header.append(std::string_view("\0\x80\0\0", 4));
        CHECK(codec.decode(header).has_value());
        CHECK(header.size() == 4);
        header.consume(4);
        header.append(std::string_view("\0\x80\0\1", 4));
        CHECK(codec.decode(header).error() == errc::frame_too_long);
    }
    TEST_CASE("length_codec: an end within a frame, or within its length, is an error and then the end") {
        const std::string whole = frame("abc") + frame("de");
        for (std::size_t n = 0; n <= whole.size(); ++n) {
            CAPTURE(n);
            auto in = framed(stream_of(scripted_bytes::make(whole.substr(0, n))), length_codec{});
            texts got;
            bool is_broken = false;
            while (auto item = block_on(next(in))) {
                if (item->has_value())
                    got.push_back(**item);
                else
                    is_broken = item->error() == errc::unexpected_end;
            }
            CHECK(is_broken == (n != 0 && n != 7 && n != 13));
            CHECK(got == (n == 13 ? texts{"abc", "de"} : n >= 7 ? texts{"abc"} : texts{}));
        }
    }
    TEST_CASE("length_codec: an item over the maximum is refused when it is sent, and leaves nothing behind") {
        const auto script = scripted_bytes::make("");
        auto out = framed(stream_of(script), length_codec{3});
        CHECK(block_on(pollux::send(out, "abcd")).error() == errc::frame_too_long);
        CHECK(block_on(pollux::send(out, "abc")).has_value());
        CHECK(script->output == frame("abc"));
    }
    TEST_CASE("length_codec: room grows with what comes, not with what is announced") {
        auto in = framed(stream_of(scripted_bytes::make(std::string("\0\x7f\0\0abc", 7), {up_to(7), waits()})),
                         length_codec{});
        auto fut = next(in);
        const allocation_counter allocations;
        assert_pending(poll_once(fut));
        CHECK(allocations.count() == 1);  // of the first 8 KiB
    }
}

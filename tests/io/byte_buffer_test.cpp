// SPDX-License-Identifier: MIT
#include "pollux/io/byte_buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <utility>

#include "support/allocation_counter.hpp"

using pollux::io::byte_buffer;

namespace {

std::string text_of(const byte_buffer& buffer) { return std::string(buffer.data(), buffer.size()); }

}  // namespace

TEST_SUITE("io/byte_buffer") {
    TEST_CASE("byte_buffer: more room than there can be is bad_alloc, and nothing is lost") {
        byte_buffer buffer;
        buffer.append("text");
        for (const std::size_t n : {SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 4}) {
            CHECK_THROWS_AS(static_cast<void>(buffer.prepare(n)), std::bad_alloc);
            CHECK_THROWS_AS(static_cast<void>(byte_buffer().prepare(n)), std::bad_alloc);
        }
        CHECK(buffer.take(4) == "text");
    }
    TEST_CASE("byte_buffer: gives at the front what came in at the back, as a string does, whatever the pieces") {
        std::mt19937 random(3);
        byte_buffer buffer;
        std::string plain;
        for (int step = 0; step != 20'000; ++step) {
            CAPTURE(step);
            const std::size_t n = random() % (step % 100 == 0 ? 3000 : 40);
            switch (random() % 4) {
                case 0: {
                    const std::string more(n, static_cast<char>(random()));
                    buffer.append(more);
                    plain += more;
                    break;
                }
                case 1: {
                    const auto room = buffer.prepare(n);
                    REQUIRE(room.size() >= n);
                    const std::string more(n, static_cast<char>(random()));
                    if (n != 0) std::memcpy(room.data(), more.data(), n);
                    buffer.commit(n);
                    plain += more;
                    break;
                }
                case 2: {
                    const std::size_t taken = std::min(n, plain.size());
                    REQUIRE(buffer.take(taken) == plain.substr(0, taken));
                    plain.erase(0, taken);
                    break;
                }
                default: {
                    const std::size_t gone = std::min(2 * n, plain.size());
                    buffer.consume(gone);
                    plain.erase(0, gone);
                }
            }
            REQUIRE(text_of(buffer) == plain);
            REQUIRE(buffer.empty() == plain.empty());
        }
    }
    TEST_CASE("byte_buffer: bytes that go through it allocate once") {
        byte_buffer buffer;
        buffer.append("x");
        static_cast<void>(buffer.prepare(4096));
        const pollux::test::allocation_counter allocations;
        for (int i = 0; i != 1000; ++i) {
            static_cast<void>(buffer.prepare(4096));
            buffer.commit(2000);
            buffer.consume(2000);
        }
        CHECK(allocations.count() == 0);
        CHECK(text_of(buffer).size() == 1);
    }
    TEST_CASE("byte_buffer: grows instead of moving more bytes to the front than were consumed") {
        byte_buffer buffer;
        const std::size_t room = buffer.prepare(4096).size();
        buffer.commit(room);
        buffer.consume(10);
        const pollux::test::allocation_counter allocations;
        static_cast<void>(buffer.prepare(5));
        CHECK(allocations.count() == 1);
        CHECK(buffer.size() == room - 10);
    }
    TEST_CASE("byte_buffer: is empty after it was moved from") {
        byte_buffer from;
        from.append("-a text that is longer than a string's own place");
        from.consume(1);
        byte_buffer to(std::move(from));
        CHECK(from.empty());
        CHECK(text_of(to) == "a text that is longer than a string's own place");
        from.append("b");
        to = std::move(from);
        CHECK(from.empty());
        CHECK(text_of(to) == "b");
    }
}

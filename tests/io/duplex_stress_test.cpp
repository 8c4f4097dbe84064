// SPDX-License-Identifier: MIT
// The ends of a duplex in two threads: nothing is lost, doubled or left waiting, and the later end frees what both share.
#include "pollux/io/duplex.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "pollux/core/block_on.hpp"
#include "support/together.hpp"

namespace {

using pollux::block_on;

char byte_at(std::size_t i) { return static_cast<char>(i * 31 + (i >> 8)); }

}  // namespace

TEST_SUITE("io/duplex_stress") {
    TEST_CASE("duplex: bytes cross both ways between two threads in order, under random sizes") {
        for (const std::size_t capacity : {1u, 3u, 100u}) {
            constexpr std::size_t total = 20'000;
            auto ends = pollux::io::duplex(capacity);
            std::size_t wrong[2] = {};
            std::size_t got[2] = {};
            pollux::test::on_threads(4, [&](unsigned i) {
                // Two threads for each stream: one writes and one reads.
                auto& s = i % 2 == 0 ? ends.first : ends.second;
                std::mt19937 random(i);
                if (i < 2) {
                    for (std::size_t at = 0; at != total;) {
                        std::string bytes;
                        while (at + bytes.size() != total && bytes.size() <= random() % 40)
                            bytes += byte_at(at + bytes.size());
                        if (!block_on(s.write_all(bytes)).has_value()) return;
                        at += bytes.size();
                    }
                    static_cast<void>(block_on(s.shutdown()));
                } else {
                    for (;;) {
                        const auto bytes = block_on(s.read_some(1 + random() % 50));
                        if (!bytes.has_value() || bytes->empty()) return;
                        for (const char byte : *bytes) wrong[i - 2] += byte != byte_at(got[i - 2]++);
                    }
                }
            });
            CHECK(got[0] == total);
            CHECK(got[1] == total);
            CHECK(wrong[0] == 0);
            CHECK(wrong[1] == 0);
        }
    }
    TEST_CASE("duplex: ends that leave at the same time, one of which waits, leave nobody waiting") {
        for (int round = 0; round != 500; ++round) {
            auto ends = pollux::io::duplex(4);
            std::error_code failed[2];
            pollux::test::on_threads(2, [&](unsigned i) {
                if (i == 0) {
                    auto mine = std::move(ends.first);
                    static_cast<void>(mine.try_write("ab"));
                } else {
                    auto mine = std::move(ends.second);
                    const auto rest = block_on(mine.read_to_end());
                    const auto done = block_on(mine.write_all("abcdefgh"));
                    if (rest != "ab") failed[0] = std::make_error_code(std::errc::io_error);
                    if (!done.has_value()) failed[1] = done.error();
                }
            });
            CHECK(!failed[0]);
            CHECK(failed[1] == std::errc::broken_pipe);
        }
    }
}

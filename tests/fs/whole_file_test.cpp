// SPDX-License-Identifier: MIT
#include "pollux/fs/whole_file.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/everywhere.hpp"
#include "support/process_state.hpp"
#include "support/temporary_directory.hpp"
#include "support/wake_counter.hpp"

// Behind runtime.hpp: g++ takes a local name there for one that hides a private type.
#include "offload/pool_fixture.hpp"

namespace {

using namespace pollux::test;
using pollux::fs::read_file;
using pollux::fs::write_file;

pollux::task<std::string, std::error_code> there_and_back(std::string path, std::string bytes) {
    co_await pollux::try_(write_file(path, bytes));
    std::string read = co_await pollux::try_(read_file(path));
    co_return read;
}

}  // namespace

TEST_SUITE("fs/whole_file") {
    TEST_CASE("read_file: what write_file wrote, in every kind of runtime") {
        const temporary_directory directory;
        const std::expected<std::string, std::error_code> expected("some bytes");
        gives_everywhere([&] { return there_and_back(directory / "file", "some bytes"); }, expected);
    }
    TEST_CASE("read_file: any bytes and any size") {
        const temporary_directory directory;
        pollux::runtime rt;
        for (const std::size_t size : {0uz, 1uz, 4095uz, 4096uz, 4097uz, 8uz << 20}) {
            CAPTURE(size);
            std::string bytes(size, '\0');
            for (std::size_t i = 0; i != size; ++i) bytes[i] = static_cast<char>(i * i >> 3);
            put_contents(directory / "in", bytes);
            CHECK((rt.block_on(read_file(directory / "in")).value() == bytes));
            REQUIRE(rt.block_on(write_file(directory / "out", bytes)).has_value());
            CHECK((contents_of(directory / "out") == bytes));
        }
    }
    TEST_CASE("read_file: a file whose size the system does not tell") {
        pollux::runtime rt;
        CHECK(rt.block_on(read_file("/proc/self/status")).value().starts_with("Name:"));
        // Longer than the first room.
        CHECK(rt.block_on(read_file("/proc/self/smaps")).value().size() > 4096);
    }
    TEST_CASE("write_file: what was there is gone") {
        const temporary_directory directory;
        pollux::runtime rt;
        put_contents(directory / "file", "something longer");
        REQUIRE(rt.block_on(write_file(directory / "file", "short")).has_value());
        CHECK(contents_of(directory / "file") == "short");
    }
    TEST_CASE("write_file: the bytes may go, or change, as soon as the future is made; nothing happens before a poll") {
        const temporary_directory directory;
        pollux::runtime rt;
        std::vector<unsigned char> bytes{'a', 'b'};
        auto writing = write_file(directory / "file", bytes);
        bytes.assign(2, 'x');
        CHECK(contents_of(directory / "file").empty());
        REQUIRE(rt.block_on(std::move(writing)).has_value());
        CHECK(contents_of(directory / "file") == "ab");
    }
    TEST_CASE("errors come as error codes") {
        const temporary_directory directory;
        pollux::runtime rt;
        CHECK(rt.block_on(read_file(directory / "none")).error() == std::errc::no_such_file_or_directory);
        CHECK(rt.block_on(read_file(directory.path())).error() == std::errc::is_a_directory);
        CHECK(rt.block_on(write_file(directory.path(), "x")).error() == std::errc::is_a_directory);
        CHECK(rt.block_on(write_file(directory / "none/file", "x")).error() == std::errc::no_such_file_or_directory);
        CHECK(rt.block_on(write_file("/dev/full", "x")).error() == std::errc::no_space_on_device);
        CHECK(rt.block_on(read_file(std::string("/dev/null\0x", 11))).error() == std::errc::invalid_argument);
    }
    TEST_CASE("outside a runtime the poll throws no_runtime") {
        auto reading = read_file("/dev/null");
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(reading)), pollux::no_runtime);
    }
    TEST_CASE("a job that had not begun when its runtime ended is canceled, and one that comes later") {
        const temporary_directory directory;
        pollux::runtime_options options;
        options.max_blocking_threads = 1;
        hand_polled_runtime rt(options);
        const gate held;
        auto holding = pollux::blocking([held] { held.pass(); });
        CHECK(rt.poll(holding).is_pending());
        held.wait_for_one();
        auto writing = write_file(directory / "file", "never");
        wake_counter wakes;
        wakes.on_wake([&held] { held.open(); });
        CHECK(rt.poll(writing, wakes.waker()).is_pending());
        rt.end();
        CHECK(wakes.count() == 1);
        CHECK(rt.poll(writing).error() == std::errc::operation_canceled);
        auto late = write_file(directory / "file", "never");
        CHECK(rt.poll(late).error() == std::errc::operation_canceled);
        CHECK(!std::filesystem::exists(directory / "file"));
    }
    TEST_CASE("a future that is dropped while its job runs leaves no descriptor behind") {
        const temporary_directory directory;
        put_contents(directory / "file", std::string(1 << 20, 'x'));
        const std::size_t before = descriptors_of_process();
        {
            pollux::runtime rt;
            const auto guard = rt.handle().enter();
            for (int i = 0; i != 100; ++i) {
                auto reading = read_file(directory / "file");
                pollux::context cx(pollux::noop_waker());
                CHECK(reading.poll(cx).is_pending());
            }
        }
        CHECK(descriptors_of_process() == before);
    }
}

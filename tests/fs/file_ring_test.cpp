// SPDX-License-Identifier: MIT
// fs::file in a runtime with io_driver::uring: what it has of its own there. All else say the other tests, which run on both drivers.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "fs/files.hpp"
#include "pollux/fs/file.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/process_state.hpp"
#include "support/temporary_directory.hpp"

// Behind runtime.hpp: g++ takes a local name there for one that hides a private type.
#include "offload/pool_fixture.hpp"

namespace {

using namespace pollux::test;
using pollux::fs::file;

pollux::runtime_options on_uring() {
    pollux::runtime_options options;
    options.io = pollux::io_driver::uring;
    return options;
}

}  // namespace

TEST_SUITE("fs/file_ring") {
    TEST_CASE("with io_uring reads and writes need no thread that may block") {
        const temporary_directory directory;
        put_contents(directory / "file", "text");
        file both = open_elsewhere(directory / "file", read_and_write);
        hand_polled_runtime rt(on_uring());
        auto reading = both.read_to_end();
        CHECK(rt.finish(reading).value() == "text");
        const std::string much = random_bytes(300'000, 1);
        auto writing = both.write_all(much);
        CHECK(rt.finish(writing).has_value());
        auto flushing = both.flush();
        CHECK(rt.finish(flushing).has_value());
        CHECK(contents_of(directory / "file") == "text" + much);
        CHECK(rt.metrics().blocking_threads == 0);
    }
    TEST_CASE("with io_uring what a file has accepted is in it although file and runtime go at once") {
        const temporary_directory directory;
        const std::string part = random_bytes(buffer_bytes, 2);
        for (int i = 0; i != 20; ++i) {
            CAPTURE(i);
            const std::string path = directory / std::to_string(i);
            hand_polled_runtime rt(on_uring());
            std::optional<file> out = open_elsewhere(path, read_and_write);
            std::size_t accepted = 0;
            while (accepted < 1'000'000) {
                auto writing = out->write(part);
                auto answer = rt.poll(writing);
                if (answer.is_pending()) break;
                accepted += answer.value();
            }
            out.reset();
            rt.end();
            CHECK(contents_of(path).size() == accepted);
        }
    }
    TEST_CASE("with io_uring a read goes on, and where it was, though the thread ends that has begun it") {
        const temporary_directory directory;
        const std::string path = directory / "file";
        const std::string bytes = random_bytes(1'000'000, 3);
        put_contents(path, bytes);
        hand_polled_runtime rt(on_uring());
        for (int i = 0; i != 20; ++i) {
            CAPTURE(i);
            file in = open_elsewhere(path, {});
            // Its head is there, the rest has to come from the disk.
            ::fdatasync(in.native_handle());
            ::posix_fadvise(in.native_handle(), 0, 0, POSIX_FADV_DONTNEED);
            char head[100];
            REQUIRE(::pread(in.native_handle(), head, sizeof head, 0) == sizeof head);
            auto reading = in.read_to_end();
            decltype(rt.poll(reading)) answer = pollux::pending;
            std::thread([&] { answer = rt.poll(reading); }).join();
            if (answer.is_pending()) answer = rt.finish(reading);
            REQUIRE(answer.has_value());
            CHECK(answer.value() == bytes);
        }
    }
    TEST_CASE("with io_uring a read that waits for ever is given up with its file, and with its runtime") {
        const temporary_directory directory;
        const std::string path = directory / "fifo";
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        const auto before = descriptors_of_process();
        for (const bool is_file_first : {true, false}) {
            CAPTURE(is_file_first);
            // Open for both it finds no end.
            std::optional<file> both = open_elsewhere(path, read_and_write);
            hand_polled_runtime rt(on_uring());
            auto reading = both->read_some(1);
            CHECK(rt.poll(reading).is_pending());
            if (is_file_first) both.reset();
            rt.end();
            if (!is_file_first) CHECK(rt.poll(reading).error() == std::errc::operation_canceled);
        }
        CHECK(descriptors_of_process() == before);
    }
}

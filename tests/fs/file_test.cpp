// SPDX-License-Identifier: MIT
#include "pollux/fs/file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "fs/files.hpp"
#include "pollux/core/block_on.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/copy.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/stream/collect.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/process_state.hpp"
#include "support/temporary_directory.hpp"

// Behind runtime.hpp: g++ takes a local name there for one that hides a private type.
#include "offload/pool_fixture.hpp"

namespace {

using namespace pollux::test;
using pollux::task;
using pollux::try_;
using pollux::fs::file;
using pollux::fs::open_options;
using pollux::fs::seek_from;

using failure = std::error_code;

static_assert(pollux::io::byte_stream<file>);
static_assert(!std::is_copy_constructible_v<file>);
static_assert(std::is_nothrow_move_constructible_v<file>);
static_assert(std::is_nothrow_move_assignable_v<file>);
static_assert(sizeof(file) == sizeof(void*));

task<std::string, failure> copy_in_pieces(std::string path, std::string bytes, std::uint32_t seed) {
    std::mt19937 random(seed);
    const auto piece = [&random](std::size_t left) {
        const std::size_t most = random() % 4 == 0 ? 200'000 : 3000;
        return std::min<std::size_t>(left, 1 + random() % most);
    };
    file out = co_await try_(file::create(path));
    for (std::size_t at = 0; at != bytes.size();) {
        const std::size_t n = co_await try_(out.write(std::string_view(bytes).substr(at, piece(bytes.size() - at))));
        at += n;
    }
    co_await try_(out.shutdown());
    file in = co_await try_(file::open(path));
    std::string read;
    for (;;) {
        std::string got = co_await try_(in.read_some(piece(bytes.size())));
        if (got.empty()) break;
        read += got;
    }
    co_return read;
}

task<std::vector<std::string>, failure> lines_of(std::string path) {
    file in = co_await try_(file::open(path));
    std::vector<std::string> lines = co_await try_(std::move(in).lines() | pollux::collect());
    co_return lines;
}

// Random operations on a file and on a std::fstream, which flushes and seeks between all of them.
task<std::string, failure> same_as_fstream(std::string ours, std::string theirs, std::uint32_t seed) {
    std::mt19937 random(seed);
    file mine = co_await try_(file::open(ours, read_and_write));
    put_contents(theirs, "");
    std::fstream other(theirs, std::ios::in | std::ios::out | std::ios::binary);
    std::int64_t at = 0;
    for (int i = 0; i != 400; ++i) {
        const std::size_t n = random() % 8 == 0 ? random() % 150'000 : random() % 200;
        switch (random() % 4) {
            case 0: {
                std::string read(n, '\0');
                other.seekg(at);
                other.read(read.data(), static_cast<std::streamsize>(n));
                read.resize(static_cast<std::size_t>(other.gcount()));
                other.clear();
                std::string got;
                while (got.size() < read.size()) {
                    std::string more = co_await try_(mine.read_some(read.size() - got.size()));
                    if (more.empty()) break;
                    got += more;
                }
                if (got != read) co_return "other bytes were read";
                at += static_cast<std::int64_t>(read.size());
                break;
            }
            case 1: {
                const std::string bytes = random_bytes(n, static_cast<std::uint32_t>(random()));
                other.seekp(at);
                other.write(bytes.data(), static_cast<std::streamsize>(n));
                other.flush();
                co_await try_(mine.write_all(bytes));
                at += static_cast<std::int64_t>(n);
                break;
            }
            case 2: {
                other.seekg(0, std::ios::end);
                const std::int64_t size = other.tellg();
                const std::int64_t to = static_cast<std::int64_t>(random()) % (size + 1);
                std::uint64_t where = 0;
                if (random() % 2 == 0) {
                    where = co_await try_(mine.seek(to));
                } else {
                    where = co_await try_(mine.seek(to - at, seek_from::current));
                }
                if (where != static_cast<std::uint64_t>(to)) co_return "another position";
                at = to;
                break;
            }
            case 3: {
                co_await try_(mine.flush());
                other.flush();
                if (contents_of(ours) != contents_of(theirs)) co_return "other contents after a flush";
                break;
            }
        }
    }
    co_await try_(mine.flush());
    co_return contents_of(ours) == contents_of(theirs) ? "the same" : "other contents at the end";
}

}  // namespace

TEST_SUITE("fs/file") {
    TEST_CASE("open: reads unless something else is asked for; what is not asked for is refused") {
        const temporary_directory directory;
        hand_polled_runtime rt(pollux::test::driver_options());
        put_contents(directory / "file", "text");
        file in = open_in(rt, directory / "file", {});
        auto reading = in.read_to_end();
        CHECK(rt.finish(reading).value() == "text");
        file out = open_in(rt, directory / "file", {.write = true});
        auto wrong = out.read_some(1);
        CHECK(rt.finish(wrong).error() == std::errc::bad_file_descriptor);
    }
    TEST_CASE("open: errors") {
        const temporary_directory directory;
        pollux::runtime rt(pollux::test::driver_options());
        const auto error_of = [&](const std::string& path, open_options how) {
            const auto opened = rt.block_on(file::open(path, how));
            return opened.has_value() ? std::error_code() : opened.error();
        };
        put_contents(directory / "file", "text");
        CHECK(error_of(directory / "none", {}) == std::errc::no_such_file_or_directory);
        CHECK(error_of(directory / "none", {.write = true}) == std::errc::no_such_file_or_directory);
        CHECK(error_of(directory.path(), {.write = true}) == std::errc::is_a_directory);
        CHECK(error_of(directory / "file", {.write = true, .create_new = true}) == std::errc::file_exists);
        CHECK(error_of(directory / "new", {.create = true}) == std::errc::invalid_argument);
        CHECK(error_of(directory / "new", {.read = true, .create_new = true}) == std::errc::invalid_argument);
        CHECK(error_of(directory / "file", {.append = true, .truncate = true}) == std::errc::invalid_argument);
        CHECK(error_of(std::string("/dev/null\0x", 11), {}) == std::errc::invalid_argument);
        CHECK(contents_of(directory / "file") == "text");
        CHECK(!std::filesystem::exists(directory / "new"));
        file folder = rt.block_on(file::open(directory.path())).value();
        CHECK(rt.block_on(folder.read_some(1)).error() == std::errc::is_a_directory);
    }
    TEST_CASE("open: create, create_new, truncate, append") {
        const temporary_directory directory;
        pollux::runtime rt(pollux::test::driver_options());
        const auto write = [&](open_options how, std::string_view bytes) {
            file out = rt.block_on(file::open(directory / "file", how)).value();
            REQUIRE(rt.block_on(out.write_all(bytes)).has_value());
            REQUIRE(rt.block_on(out.flush()).has_value());
            return contents_of(directory / "file");
        };
        CHECK(write({.write = true, .create_new = true}, "abcd") == "abcd");
        CHECK(write({.write = true, .create = true}, "xy") == "xycd");
        CHECK(write({.append = true}, "ef") == "xycdef");
        CHECK(write({.write = true, .truncate = true}, "g") == "g");
        file out = rt.block_on(file::create(directory / "file")).value();
        CHECK(contents_of(directory / "file").empty());
    }
    TEST_CASE("the descriptor is close-on-exec, and closed once the file is gone") {
        const std::size_t before = descriptors_of_process();
        {
            file in = open_elsewhere("/dev/null", {});
            CHECK((::fcntl(in.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
            CHECK(descriptors_of_process() == before + 1);
            file moved = std::move(in);
            in = open_elsewhere("/dev/zero", {});
            std::swap(in, moved);
            CHECK(descriptors_of_process() == before + 2);
        }
        CHECK(descriptors_of_process() == before);
    }
    TEST_CASE("a large file, written and read in pieces of random sizes, in every kind of runtime") {
        const temporary_directory directory;
        std::uint32_t seed = 0;
        const std::string bytes = random_bytes(8 << 20, 1);
        const std::expected<std::string, failure> expected(bytes);
        pollux::runtime rt(workers(2));
        CHECK((rt.block_on(copy_in_pieces(directory / "large", bytes, 2)) == expected));
        const std::expected<std::string, failure> front(bytes.substr(0, 300'000));
        gives_everywhere([&] { return copy_in_pieces(directory / "file", *front, ++seed); }, front);
    }
    TEST_CASE("random reads, writes and seeks do what they do to a std::fstream") {
        const temporary_directory directory;
        pollux::runtime rt(pollux::test::driver_options());
        for (std::uint32_t seed = 0; seed != 10; ++seed) {
            CAPTURE(seed);
            const std::string name = std::to_string(seed);
            const auto compared = rt.block_on(same_as_fstream(directory / name, directory / (name + "f"), seed));
            REQUIRE(compared.has_value());
            CHECK(*compared == "the same");
        }
    }
    TEST_CASE("it is a byte stream like others: lines, copy, buffered") {
        const temporary_directory directory;
        put_contents(directory / "file", "one\ntwo\r\nthree");
        const std::expected<std::vector<std::string>, failure> expected({"one", "two", "three"});
        gives_everywhere([&] { return lines_of(directory / "file"); }, expected);
        pollux::runtime rt(pollux::test::driver_options());
        file in = rt.block_on(file::open(directory / "file")).value();
        file out = rt.block_on(file::create(directory / "copy")).value();
        CHECK(rt.block_on(pollux::io::copy(in, out)).value() == 14);
        CHECK(contents_of(directory / "copy") == "one\ntwo\r\nthree");
    }
    TEST_CASE("reading reads ahead; writing goes on where reading was") {
        const temporary_directory directory;
        hand_polled_runtime rt(pollux::test::driver_options());
        put_contents(directory / "file", std::string(100'000, '.'));
        file both = open_in(rt, directory / "file", read_and_write);
        auto reading = both.read_some(3);
        CHECK(rt.finish(reading).value() == "...");
        CHECK(::lseek(both.native_handle(), 0, SEEK_CUR) == buffer_bytes);
        // In the buffer: ready without a job.
        auto more = both.read_some(2);
        CHECK(rt.poll(more).value() == "..");
        auto writing = both.write_all("here");
        CHECK(rt.finish(writing).has_value());
        auto flushing = both.flush();
        CHECK(rt.finish(flushing).has_value());
        CHECK(contents_of(directory / "file").substr(0, 10) == ".....here.");
        auto rest = both.read_to_end();
        CHECK(rt.finish(rest).value().size() == 100'000 - 9);
    }
    TEST_CASE("what cannot seek keeps what was read ahead") {
        const temporary_directory directory;
        REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
        pollux::runtime rt(pollux::test::driver_options());
        file both = rt.block_on(file::open(directory / "pipe", {.read = true, .write = true})).value();
        REQUIRE(rt.block_on(both.write_all("abcdef")).has_value());
        CHECK(rt.block_on(both.read_some(2)).value() == "ab");
        REQUIRE(rt.block_on(both.write_all("g")).has_value());
        CHECK(rt.block_on(both.read_some(9)).value() == "cdef");
        CHECK(rt.block_on(both.read_some(9)).value() == "g");
        CHECK(rt.block_on(both.seek(0)).error() == std::errc::invalid_seek);
    }
    TEST_CASE("a pipe that nobody reads is broken_pipe, and no signal") {
        struct sigaction action = {}, before = {};
        static std::atomic<int> raised;
        raised = 0;
        action.sa_handler = [](int) { ++raised; };
        REQUIRE(::sigaction(SIGPIPE, &action, &before) == 0);
        const temporary_directory directory;
        const std::string path = directory / "pipe";
        REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        pollux::runtime rt(pollux::test::driver_options());
        file out = rt.block_on(file::open(path, {.write = true})).value();
        REQUIRE(::close(reader) == 0);
        REQUIRE(rt.block_on(out.write_all("x")).has_value());
        CHECK(rt.block_on(out.flush()).error() == std::errc::broken_pipe);
        CHECK(raised == 0);
        REQUIRE(::sigaction(SIGPIPE, &before, nullptr) == 0);
    }
    TEST_CASE("seek, set_length, sync_all, metadata") {
        const temporary_directory directory;
        pollux::runtime rt(pollux::test::driver_options());
        put_contents(directory / "file", "0123456789");
        file both = rt.block_on(file::open(directory / "file", read_and_write)).value();
        CHECK(rt.block_on(both.read_some(2)).value() == "01");
        CHECK(rt.block_on(both.seek(1, seek_from::current)).value() == 3);
        CHECK(rt.block_on(both.read_some(2)).value() == "34");
        CHECK(rt.block_on(both.seek(-1, seek_from::end)).value() == 9);
        CHECK(rt.block_on(both.read_to_end()).value() == "9");
        CHECK(rt.block_on(both.seek(-1)).error() == std::errc::invalid_argument);
        CHECK(rt.block_on(both.seek(4)).value() == 4);
        CHECK(rt.block_on(both.read_some(1)).value() == "4");
        CHECK(rt.block_on(both.set_length(7)).has_value());
        CHECK(rt.block_on(both.read_to_end()).value() == "56");
        CHECK(rt.block_on(both.set_length(9)).has_value());
        CHECK(rt.block_on(both.read_to_end()).value() == std::string(2, '\0'));
        CHECK(rt.block_on(both.set_length(std::uint64_t{1} << 63)).error() == std::errc::invalid_argument);
        CHECK(rt.block_on(both.sync_all()).has_value());
        const auto about = rt.block_on(both.metadata()).value();
        CHECK(about.size == 9);
        CHECK(about.is_file);
        CHECK(!about.is_directory);
        const auto written = std::filesystem::last_write_time(directory / "file");
        CHECK(about.modified == std::chrono::file_clock::to_sys(written));
    }
    TEST_CASE("a time of a file that is centuries away is the last or the first that there is") {
        hand_polled_runtime rt(pollux::test::driver_options());
        const temporary_directory directory;
        put_contents(directory / "file", "");
        for (const bool is_late : {true, false}) {
            const ::timespec at{is_late ? 13'569'465'600 : -13'569'465'600, 0};
            const ::timespec times[] = {at, at};
            REQUIRE(::utimensat(AT_FDCWD, (directory / "file").c_str(), times, 0) == 0);
            struct ::stat kept;
            REQUIRE(::stat((directory / "file").c_str(), &kept) == 0);
            if (kept.st_mtim.tv_sec != at.tv_sec) continue;  // not in this file system
            file one = open_in(rt, directory / "file", {.read = true});
            using time = std::chrono::sys_time<std::chrono::nanoseconds>;
            auto asking = one.metadata();
            CHECK(rt.finish(asking).value().modified == (is_late ? time::max() : time::min()));
        }
    }
    TEST_CASE("an empty read or write is 0") {
        hand_polled_runtime rt(pollux::test::driver_options());
        file both = open_in(rt, "/dev/zero", {.read = true, .write = true});
        auto reading = both.read(std::string());
        CHECK(rt.poll(reading).value() == 0);
        auto writing = both.write("");
        CHECK(rt.poll(writing).value() == 0);
    }
    TEST_CASE("outside a runtime a poll that needs a job throws no_runtime, and has done nothing") {
        const temporary_directory directory;
        put_contents(directory / "file", "ab");
        file both = open_elsewhere(directory / "file", read_and_write);
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(both.read_some(1))), pollux::no_runtime);
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(both.write("x"))), pollux::no_runtime);
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(both.metadata())), pollux::no_runtime);
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(file::open("/dev/null"))), pollux::no_runtime);
        CHECK(pollux::block_on(both.flush()).has_value());
        pollux::runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(both.read_to_end()).value() == "ab");
        CHECK(rt.block_on(both.write_all("c")).has_value());
        CHECK(rt.block_on(both.flush()).has_value());
        CHECK(contents_of(directory / "file") == "abc");
    }
}

// SPDX-License-Identifier: MIT
// Files of many tasks that give up at random moments, while jobs of theirs wait, run and end: nothing hangs, no descriptor stays,
// and what was accepted is in the file once.
#include "pollux/fs/file.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/polled_times.hpp"
#include "support/process_state.hpp"
#include "support/temporary_directory.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::test;
using pollux::task;
using pollux::try_;
using pollux::fs::file;

using failure = std::error_code;

// How many bytes it has written. Reads, flushes and looks are given up after a few polls; the file is dropped unflushed.
task<std::size_t, failure> restless(std::string path, unsigned seed) {
    std::mt19937 random(seed);
    const pollux::fs::open_options how{.read = true, .append = true, .create = true};
    file mine = co_await try_(file::open(path, how));
    const std::string bytes(100, 'x');
    std::size_t written = 0;
    for (int i = 0; i != 30; ++i) {
        const int polls = 1 + static_cast<int>(random() % 4);
        switch (random() % 4) {
            case 0: static_cast<void>(co_await polled_times(mine.read_some(10), polls)); break;
            case 1: static_cast<void>(co_await polled_times(mine.flush(), polls)); break;
            case 2: static_cast<void>(co_await polled_times(mine.metadata(), polls)); break;
            case 3:
                co_await try_(mine.write_all(bytes));
                written += bytes.size();
                break;
        }
    }
    co_return written;
}

task<std::size_t, failure> write_pieces(auto writer, std::size_t count) {
    const std::string bytes(70, 'w');
    for (std::size_t i = 0; i != count; ++i) co_await try_(writer.write_all(bytes));
    co_await try_(writer.flush());
    co_return count* bytes.size();
}
task<std::size_t, failure> read_pieces(auto reader, std::size_t count) {
    std::size_t got = 0;
    for (std::size_t i = 0; i != count; ++i) {
        std::string bytes = co_await try_(reader.read_some(50));
        got += bytes.size();
    }
    co_return got;
}

}  // namespace

TEST_SUITE("fs/file_stress") {
    TEST_CASE("file: whatever is dropped when, what was accepted is written and all is closed") {
        const temporary_directory directory;
        const std::size_t before = descriptors_of_process();
        constexpr unsigned tasks = 200;
        std::vector<std::size_t> written;
        {
            pollux::runtime_options options = workers(4);
            options.max_blocking_threads = 3;
            pollux::runtime rt(options);
            std::vector<pollux::join_handle<std::size_t, failure>> handles;
            for (unsigned i = 0; i != tasks; ++i)
                handles.push_back(rt.spawn(restless(directory / std::to_string(i), i)));
            for (auto& each : handles) written.push_back(rt.block_on(each).value_or(0));
            // A job starts only behind those of the files that were dropped, but may end before them: the runtime waits for all.
            static_cast<void>(rt.block_on(file::open("/dev/null")));
        }
        std::size_t wrong = 0;
        for (unsigned i = 0; i != tasks; ++i) wrong += contents_of(directory / std::to_string(i)).size() != written[i];
        CHECK(wrong == 0);
        CHECK(descriptors_of_process() == before);
    }
    TEST_CASE("file: the halves in two tasks, over and over") {
        const temporary_directory directory;
        pollux::runtime rt(workers(4));
        for (int round = 0; round != 50; ++round) {
            file both =
                rt.block_on(file::open(directory / "file", {.read = true, .write = true, .create = true})).value();
            auto [reader, writer] = std::move(both).split();
            auto writing = rt.spawn(write_pieces(std::move(writer), 50));
            auto reading = rt.spawn(read_pieces(std::move(reader), 50));
            REQUIRE(rt.block_on(writing).value() == 3500);
            REQUIRE(rt.block_on(reading).has_value());
        }
    }
}

// SPDX-License-Identifier: MIT
// fs::file while its job has not begun, or is over: writing behind, what is dropped, errors that come later.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "fs/files.hpp"
#include "pollux/fs/file.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/process_state.hpp"
#include "support/spent_budget.hpp"
#include "support/temporary_directory.hpp"
#include "support/wait_until.hpp"
#include "support/wake_counter.hpp"

// Behind runtime.hpp: g++ takes a local name there for one that hides a private type.
#include "offload/pool_fixture.hpp"

namespace {

using namespace pollux::test;
using pollux::fs::file;
using pollux::fs::open_options;

// One blocking thread, which is held up until it is let go: jobs that are started meanwhile have not begun.
class held_runtime : public hand_polled_runtime {
public:
    held_runtime() : hand_polled_runtime(one_thread()), holding_(hold{held_}) {
        static_cast<void>(poll(holding_));
        held_.wait_for_one();
    }
    ~held_runtime() { let_go(); }

    void let_go() { held_.open(); }

private:
    struct hold {
        gate held;
        void operator()() const { held.pass(); }
    };
    static pollux::runtime_options one_thread() {
        pollux::runtime_options options;
        options.max_blocking_threads = 1;
        return options;
    }

    gate held_;
    decltype(pollux::blocking(std::declval<hold>())) holding_;
};

}  // namespace

TEST_SUITE("fs/file_jobs") {
    TEST_CASE("a write is ready before it is in the file; small ones that come while a job runs need no other") {
        const temporary_directory directory;
        file out = open_elsewhere(directory / "file", {.write = true, .create = true});
        held_runtime rt;
        for (int i = 0; i != 1000; ++i) {
            auto writing = out.write("0123456789");
            REQUIRE(rt.poll(writing).value() == 10);
        }
        CHECK(rt.metrics().blocking_queued == 1);
        CHECK(contents_of(directory / "file").empty());
        auto flushing = out.flush();
        CHECK(rt.poll(flushing).is_pending());
        rt.let_go();
        CHECK(rt.finish(flushing).has_value());
        CHECK(contents_of(directory / "file").size() == 10'000);
    }
    TEST_CASE("the buffer of writes is bounded: a write takes what there is room for, and then waits") {
        const temporary_directory directory;
        file out = open_elsewhere(directory / "file", {.write = true, .create = true});
        held_runtime rt;
        const std::string bytes = random_bytes(buffer_bytes + 10, 1);
        auto first = out.write(std::string_view(bytes).substr(0, 100));
        CHECK(rt.poll(first).value() == 100);
        auto second = out.write(std::string_view(bytes).substr(100));
        CHECK(rt.poll(second).value() == buffer_bytes - 100);
        auto third = out.write(std::string_view(bytes).substr(buffer_bytes));
        const wake_counter wakes;
        CHECK(rt.poll(third, wakes.waker()).is_pending());
        CHECK(wakes.count() == 0);
        rt.let_go();
        CHECK(rt.finish(third).value() == 10);
        auto flushing = out.flush();
        CHECK(rt.finish(flushing).has_value());
        CHECK((contents_of(directory / "file") == bytes));
    }
    TEST_CASE("an error of a write comes once, with the next operation of any kind") {
        hand_polled_runtime rt;
        file full = open_in(rt, "/dev/full", {.read = true, .write = true});
        const auto failing_write = [&] {
            auto writing = full.write("x");
            REQUIRE(rt.finish(writing).value() == 1);
        };
        const auto next = [&](auto operation) {
            failing_write();
            return rt.finish(operation).error();
        };
        const auto no_space = std::errc::no_space_on_device;
        CHECK(next(full.flush()) == no_space);
        CHECK(next(full.shutdown()) == no_space);
        CHECK(next(full.read_some(1)) == no_space);
        CHECK(next(full.seek(0)) == no_space);
        CHECK(next(full.sync_all()) == no_space);
        CHECK(next(full.metadata()) == no_space);
        CHECK(next(full.set_length(0)) == no_space);
        auto flushing = full.flush();
        CHECK(rt.finish(flushing).has_value());
        auto reading = full.read_some(3);
        CHECK(rt.finish(reading).value() == std::string(3, '\0'));
    }
    TEST_CASE("a read that is dropped while it is pending loses nothing") {
        const temporary_directory directory;
        put_contents(directory / "file", "abcdef");
        file in = open_elsewhere(directory / "file", {});
        held_runtime rt;
        {
            auto dropped = in.read_some(4);
            CHECK(rt.poll(dropped).is_pending());
        }
        rt.let_go();
        auto reading = in.read_some(2);
        CHECK(rt.finish(reading).value() == "ab");
        auto rest = in.read_to_end();
        CHECK(rt.finish(rest).value() == "cdef");
    }
    TEST_CASE("a call that is dropped while it is pending leaves the file as good as it was") {
        const temporary_directory directory;
        put_contents(directory / "file", "abcdef");
        file in = open_elsewhere(directory / "file", {});
        held_runtime rt;
        {
            auto dropped = in.seek(4);
            CHECK(rt.poll(dropped).is_pending());
        }
        rt.let_go();
        auto looking = in.metadata();
        CHECK(rt.finish(looking).value().size == 6);
        auto reading = in.read_to_end();
        CHECK(rt.finish(reading).value() == "ef");
    }
    TEST_CASE("dropped with a write whose job has not begun: it is still written, and the descriptor closed") {
        const temporary_directory directory;
        const std::size_t before = descriptors_of_process();
        {
            file out = open_elsewhere(directory / "file", {.write = true, .create = true});
            held_runtime rt;
            {
                file dropped = std::move(out);
                auto writing = dropped.write_all("accepted");
                CHECK(rt.poll(writing).has_value());
            }
            CHECK(contents_of(directory / "file").empty());
            rt.let_go();
            auto behind = pollux::blocking([] {});
            CHECK(rt.finish(behind).has_value());
            CHECK(contents_of(directory / "file") == "accepted");
        }
        CHECK(descriptors_of_process() == before);
    }
    TEST_CASE(
        "dropped with a read or call whose job has not begun: it never does, and the descriptor is closed at once") {
        const std::size_t before = descriptors_of_process();
        file reader = open_elsewhere("/dev/zero", {});
        file caller = open_elsewhere("/dev/zero", {});
        held_runtime rt;
        const std::size_t with_runtime = descriptors_of_process();
        {
            file in = std::move(reader);
            file other = std::move(caller);
            auto reading = in.read_some(4);
            auto looking = other.metadata();
            CHECK(rt.poll(reading).is_pending());
            CHECK(rt.poll(looking).is_pending());
            CHECK(rt.metrics().blocking_queued == 2);
        }
        CHECK(rt.metrics().blocking_queued == 0);
        CHECK(descriptors_of_process() == with_runtime - 2);
        CHECK(before < with_runtime);
    }
    TEST_CASE("a write that had not begun when the runtime ended is told of by the next operation, elsewhere") {
        const temporary_directory directory;
        file out = open_elsewhere(directory / "file", {.write = true, .create = true});
        {
            held_runtime rt;
            auto writing = out.write_all("lost");
            CHECK(rt.poll(writing).has_value());
            auto flushing = out.flush();
            wake_counter wakes;
            wakes.on_wake([&rt] { rt.let_go(); });
            CHECK(rt.poll(flushing, wakes.waker()).is_pending());
            rt.end();
            CHECK(wakes.count() == 1);
        }
        hand_polled_runtime rt;
        auto next = out.write_all("x");
        CHECK(rt.finish(next).error() == std::errc::operation_canceled);
        auto writing = out.write_all("found");
        CHECK(rt.finish(writing).has_value());
        auto flushing = out.flush();
        CHECK(rt.finish(flushing).has_value());
        CHECK(contents_of(directory / "file") == "found");
    }
    TEST_CASE("the halves may wait for one job: both are woken, each with its latest waker") {
        const temporary_directory directory;
        put_contents(directory / "file", "abcdef");
        file both = open_elsewhere(directory / "file", read_and_write);
        held_runtime rt;
        auto [reader, writer] = std::move(both).split();
        auto reading = reader.read_some(3);
        auto writing = writer.write("xyz");
        const wake_counter replaced;
        const wake_counter of_reader;
        const wake_counter of_writer;
        CHECK(rt.poll(reading, replaced.waker()).is_pending());
        CHECK(rt.poll(reading, of_reader.waker()).is_pending());
        CHECK(rt.poll(writing, replaced.waker()).is_pending());
        CHECK(rt.poll(writing, of_writer.waker()).is_pending());
        CHECK(!replaced.is_kept());
        rt.let_go();
        wait_until([&] { return of_reader.count() == 1 && of_writer.count() == 1; });
        CHECK(rt.finish(reading).value() == "abc");
        CHECK(rt.finish(writing).value() == 3);
        auto flushing = writer.flush();
        CHECK(rt.finish(flushing).has_value());
        CHECK(contents_of(directory / "file") == "abcxyz");
    }
    TEST_CASE("without budget a result is kept") {
        const temporary_directory directory;
        put_contents(directory / "file", "abcdef");
        file both = open_elsewhere(directory / "file", read_and_write);
        const wake_counter wakes;
        const auto ends_later = [&](auto fut) {
            held_runtime rt;
            wake_counter ended;
            CHECK(rt.poll(fut, ended.waker()).is_pending());
            rt.let_go();
            wait_until([&] { return ended.count() == 1; });
            CHECK(poll_without_budget(fut, wakes).is_pending());
            return rt.poll(fut);
        };
        CHECK(ends_later(both.read_some(2)).value() == "ab");
        CHECK(ends_later(both.seek(6)).value() == 6);
        CHECK(ends_later(both.read_some(2)).value().empty());
        CHECK(wakes.count() == 3);
        auto writing = both.write("x");
        CHECK(poll_without_budget(writing, wakes).is_pending());
        CHECK(contents_of(directory / "file") == "abcdef");
        hand_polled_runtime rt;
        CHECK(rt.poll(writing).value() == 1);
        auto flushing = both.flush();
        CHECK(rt.finish(flushing).has_value());
        CHECK(contents_of(directory / "file") == "abcdefx");
    }
}

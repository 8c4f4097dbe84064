// SPDX-License-Identifier: MIT
#include "pollux/io/standard.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/system_calls.hpp"
#include "pollux/core/block_on.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/lines.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/stream/collect.hpp"
#include "support/process_state.hpp"
#include "support/temporary_directory.hpp"
#include "support/wait_until.hpp"
#include "support/wake_counter.hpp"

// Behind runtime.hpp: g++ takes a local name there for one that hides a private type.
#include "offload/pool_fixture.hpp"

namespace {

using namespace pollux::test;
using pollux::io::standard_input_stream;
using pollux::io::standard_output_stream;
using pollux::io::detail::blocking_descriptor;

static_assert(pollux::io::byte_reader<standard_input_stream>);
static_assert(!pollux::io::byte_writer<standard_input_stream>);
static_assert(pollux::io::byte_writer<standard_output_stream>);
static_assert(!pollux::io::byte_reader<standard_output_stream>);

standard_input_stream input_of(int fd) {
    return standard_input_stream(blocking_descriptor(fd, {.is_owned = false, .is_input = true}));
}
standard_output_stream output_of(int fd) {
    return standard_output_stream(blocking_descriptor(fd, {.is_owned = false}));
}

class pipe_ends {
public:
    explicit pipe_ends(int flags = 0) {
        if (::pipe2(ends_, flags | O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    ~pipe_ends() {
        close_reader();
        close_writer();
    }

    int reader() const { return ends_[0]; }
    int writer() const { return ends_[1]; }
    void close_reader() { close(ends_[0]); }
    void close_writer() { close(ends_[1]); }
    void put(const std::string& bytes) {
        if (::write(ends_[1], bytes.data(), bytes.size()) != static_cast<::ssize_t>(bytes.size()))
            throw std::system_error(errno, std::generic_category(), "write");
    }
    /// What is there at once.
    std::string take() {
        std::string bytes(1 << 16, '\0');
        const ::ssize_t n = ::read(ends_[0], bytes.data(), bytes.size());
        bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
        return bytes;
    }

private:
    static void close(int& fd) {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }

    int ends_[2];
};

// While it lives, a standard descriptor is another one.
class in_place_of {
public:
    in_place_of(int standard, int other) : standard_(standard), before_(::fcntl(standard, F_DUPFD_CLOEXEC, 3)) {
        ::dup2(other, standard);
    }
    in_place_of(const in_place_of&) = delete;
    in_place_of& operator=(const in_place_of&) = delete;
    ~in_place_of() {
        if (before_ >= 0) {
            ::dup2(before_, standard_);
            ::close(before_);
        } else {
            ::close(standard_);
        }
    }

private:
    int standard_;
    int before_;
};

}  // namespace

TEST_SUITE("io/standard") {
    TEST_CASE("standard_input: the lines of descriptor 0, which stays open") {
        pollux::runtime rt;
        pipe_ends input;
        const in_place_of replaced(STDIN_FILENO, input.reader());
        input.put("one\ntwo");
        input.close_writer();
        const auto lines = rt.block_on(pollux::io::standard_input().lines() | pollux::collect());
        CHECK(lines.value() == std::vector<std::string>{"one", "two"});
        CHECK(::fcntl(STDIN_FILENO, F_GETFD) >= 0);
    }
    TEST_CASE("standard_output: what is written comes out of descriptor 1, which stays open") {
        pollux::runtime rt;
        pipe_ends output;
        std::string got;
        bool is_open = false;
        {
            const in_place_of replaced(STDOUT_FILENO, output.writer());
            auto out = pollux::io::standard_output();
            auto writing = out.write_all("some text");
            rt.block_on(writing).value();
            rt.block_on(out.shutdown()).value();
            got = output.take();
            is_open = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
        }
        CHECK(got == "some text");
        CHECK(is_open);
    }
    TEST_CASE("a read waits for input, and is woken by it") {
        pipe_ends input;
        hand_polled_runtime rt;
        auto in = input_of(input.reader());
        auto reading = in.read_some(100);
        const wake_counter wakes;
        CHECK(rt.poll(reading, wakes.waker()).is_pending());
        CHECK(wakes.count() == 0);
        input.put("text");
        CHECK(rt.finish(reading).value() == "text");
        input.close_writer();
        auto at_end = in.read_some(100);
        CHECK(rt.finish(at_end).value().empty());
    }
    TEST_CASE("a read takes no more than was asked for, so that others find the rest") {
        pipe_ends input;
        hand_polled_runtime rt;
        input.put("abcdef");
        {
            auto in = input_of(input.reader());
            auto reading = in.read_some(2);
            CHECK(rt.finish(reading).value() == "ab");
        }
        CHECK(input.take() == "cdef");
    }
    TEST_CASE("a read that is dropped while it is pending loses nothing") {
        pipe_ends input;
        hand_polled_runtime rt;
        auto in = input_of(input.reader());
        {
            auto dropped = in.read_some(4);
            CHECK(rt.poll(dropped).is_pending());
        }
        input.put("abcdef");
        auto reading = in.read_some(3);
        CHECK(rt.finish(reading).value() == "abc");
        auto left = in.read_some(100);
        CHECK(rt.finish(left).value() == "d");
        auto rest = in.read_some(100);
        CHECK(rt.finish(rest).value() == "ef");
    }
    TEST_CASE("an object that is dropped while it waits for input gives its thread back, and takes no bytes") {
        pipe_ends input;
        hand_polled_runtime rt;
        const std::size_t before = descriptors_of_process();
        {
            auto in = input_of(input.reader());
            auto reading = in.read_some(4);
            CHECK(rt.poll(reading).is_pending());
        }
        rt.wait_until([](const pollux::runtime_metrics& now) {
            return now.blocking_queued == 0 && now.blocking_idle == now.blocking_threads;
        });
        input.put("for others");
        CHECK(input.take() == "for others");
        // What the runtime keeps for the waits of all objects.
        CHECK(descriptors_of_process() == before + 1);
    }
    TEST_CASE("the end of the runtime ends a read that waits, and the object goes on in another runtime") {
        pipe_ends input;
        auto in = input_of(input.reader());
        auto reading = in.read_some(4);
        {
            hand_polled_runtime rt;
            CHECK(rt.poll(reading).is_pending());
            rt.wait_until([](const pollux::runtime_metrics& now) {
                return now.blocking_queued == 0 && now.blocking_threads != 0 && now.blocking_idle == 0;
            });
        }
        hand_polled_runtime rt;
        CHECK(rt.poll(reading).error() == std::errc::operation_canceled);
        input.put("text");
        auto again = in.read_some(4);
        CHECK(rt.finish(again).value() == "text");
    }
    TEST_CASE("shutdown of a runtime whose task waits for input leaves nothing stuck") {
        pipe_ends input;
        pollux::runtime rt;
        auto handle = rt.spawn(pollux::io::read_some(input_of(input.reader()), 4));
        pollux::test::wait_until([&] { return rt.metrics().blocking_threads != 0; });
        CHECK(rt.shutdown(std::chrono::nanoseconds::max()).stuck == 0);
        CHECK_THROWS_AS(static_cast<void>(rt.block_on(handle)), pollux::task_cancelled);
    }
    TEST_CASE("an input that does not wait, O_NONBLOCK, is waited for; a file is one that always has something") {
        hand_polled_runtime rt;
        pipe_ends input(O_NONBLOCK);
        auto in = input_of(input.reader());
        auto reading = in.read_some(4);
        CHECK(rt.poll(reading).is_pending());
        input.put("text");
        CHECK(rt.finish(reading).value() == "text");
        const temporary_directory directory;
        put_contents(directory / "file", "of a file");
        const int fd = ::open((directory / "file").c_str(), O_RDONLY | O_CLOEXEC);
        auto file = input_of(fd);
        auto all = file.read_to_end();
        CHECK(rt.finish(all).value() == "of a file");
        ::close(fd);
        auto closed = file.read_some(1);
        CHECK(rt.finish(closed).error() == std::errc::bad_file_descriptor);
    }
    TEST_CASE("an input that another reader has taken does not block who has waited for it") {
        pipe_ends input;
        std::string to(4, '-');
        std::size_t n = 0;
        CHECK(pollux::io::detail::read_input(input.reader(), to, n) == std::errc::resource_unavailable_try_again);
        input.put("text");
        CHECK(!pollux::io::detail::read_input(input.reader(), to, n));
        CHECK(n == 4);
        CHECK(to == "text");
    }
    TEST_CASE("an output that does not wait, O_NONBLOCK, is waited for") {
        pipe_ends output(O_NONBLOCK);
        hand_polled_runtime rt;
        const std::string filling(1 << 20, 'f');
        std::size_t filled = 0;
        for (::ssize_t n = 0; (n = ::write(output.writer(), filling.data(), filling.size())) > 0;)
            filled += static_cast<std::size_t>(n);
        auto out = output_of(output.writer());
        auto writing = out.write_all("text");
        CHECK(rt.finish(writing).has_value());
        auto flushing = out.flush();
        CHECK(rt.poll(flushing).is_pending());
        std::string got;
        while (got.size() != filled) got += output.take();
        CHECK(rt.finish(flushing).has_value());
        CHECK(output.take() == "text");
    }
    TEST_CASE("an output that nobody reads fails with broken_pipe at the next operation") {
        pipe_ends output;
        output.close_reader();
        hand_polled_runtime rt;
        const auto before = std::signal(SIGPIPE, SIG_IGN);
        auto out = output_of(output.writer());
        auto writing = out.write_all("text");
        CHECK(rt.finish(writing).has_value());
        auto flushing = out.flush();
        CHECK(rt.finish(flushing).error() == std::errc::broken_pipe);
        std::signal(SIGPIPE, before);
    }
    TEST_CASE("outside a runtime a poll throws no_runtime") {
        pipe_ends ends;
        auto in = input_of(ends.reader());
        auto out = output_of(ends.writer());
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(in.read_some(1))), pollux::no_runtime);
        CHECK_THROWS_AS(static_cast<void>(pollux::block_on(out.write("x"))), pollux::no_runtime);
    }
}

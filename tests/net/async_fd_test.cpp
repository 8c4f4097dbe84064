// SPDX-License-Identifier: MIT
#include "pollux/net/async_fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

#include "net/loopback.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/testing/poll.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/limited_poll.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::task;
using pollux::testing::poll_once;

static_assert(!std::is_copy_constructible_v<async_fd>);
static_assert(std::is_nothrow_move_constructible_v<async_fd>);

struct pipe_ends {
    std::array<int, 2> ends = [] {
        std::array<int, 2> made;
        REQUIRE(::pipe2(made.data(), O_NONBLOCK | O_CLOEXEC) == 0);
        return made;
    }();
    async_fd reader{ends[0]};
    async_fd writer{ends[1]};
};

template <class T>
std::expected<T, std::error_code> failed(int error) {
    return std::unexpected(std::error_code(error, std::system_category()));
}

auto read_call(int fd, std::string& to) {
    return [fd, &to]() -> std::expected<std::size_t, std::error_code> {
        const auto n = ::read(fd, to.data(), to.size());
        if (n < 0) return failed<std::size_t>(errno);
        return static_cast<std::size_t>(n);
    };
}

task<std::string, std::error_code> through_a_pipe() {
    pipe_ends both;
    std::thread writer([fd = both.ends[1]] {
        for (int i = 0; i != 3; ++i) static_cast<void>(::write(fd, "abc", 3));
    });
    std::string all;
    while (all.size() != 9) {
        std::string some(2, '-');
        const std::size_t n = co_await pollux::try_(both.reader.try_io(direction::read, read_call(both.ends[0], some)));
        all.append(some, 0, n);
    }
    writer.join();
    co_return all;
}

}  // namespace

TEST_SUITE("net/async_fd") {
    TEST_CASE("async_fd: try_io runs what it was given until that does not block, in every runtime") {
        gives_everywhere([] { return through_a_pipe(); }, std::expected<std::string, std::error_code>("abcabcabc"));
    }
    TEST_CASE(
        "async_fd: try_io calls again after would-block once something has come, and at once after an interruption") {
        current_thread_runtime rt(pollux::test::driver_options());
        pipe_ends both;
        int calls = 0;
        std::string to(4, '-');
        auto fut = both.reader.try_io(direction::read, [&]() -> std::expected<std::size_t, std::error_code> {
            if (++calls == 1) return failed<std::size_t>(EINTR);
            return read_call(both.ends[0], to)();
        });
        const wake_counter woken;
        CHECK(calls == 0);
        CHECK(poll_in(rt, fut, woken).is_pending());
        CHECK(calls == 2);
        CHECK(poll_in(rt, fut, woken).is_pending());
        CHECK(calls <= 3);  // the first event of a new descriptor, that it may be written, may have been of both
        REQUIRE(::write(both.ends[1], "x", 1) == 1);
        drive_until(rt, [&] { return woken.count() != 0; });
        CHECK(poll_in(rt, fut, woken).value() == 1);
        CHECK(to == "x---");
    }
    TEST_CASE("async_fd: try_io hands on other errors and what the callable throws; void and move-only values work") {
        current_thread_runtime rt(pollux::test::driver_options());
        pipe_ends both;
        using nothing = std::expected<void, std::error_code>;
        CHECK(rt.block_on(both.writer.try_io(direction::write, [] { return nothing(); })).has_value());
        CHECK(rt
                  .block_on(both.writer.try_io(
                      direction::write,
                      [] { return std::expected<std::unique_ptr<int>, std::error_code>(std::make_unique<int>(7)); }))
                  .value() != nullptr);
        CHECK(rt.block_on(both.writer.try_io(direction::write, [] { return failed<int>(ENOSPC); })).error() ==
              std::errc::no_space_on_device);
        CHECK_THROWS_AS(
            static_cast<void>(rt.block_on(both.writer.try_io(direction::write, []() -> nothing { throw 7; }))), int);
    }
    TEST_CASE("async_fd: readable and writable wait for what is there, whatever was read meanwhile by hand") {
        current_thread_runtime rt(pollux::test::driver_options());
        pipe_ends both;
        const wake_counter woken;
        std::string to(4, '-');
        for (int round = 1; round != 4; ++round) {
            CAPTURE(round);
            auto fut = both.reader.readable();
            CHECK(poll_in(rt, fut, woken).is_pending());
            REQUIRE(::write(both.ends[1], "x", 1) == 1);
            drive_until(rt, [&] { return woken.count() == round; });
            CHECK(poll_in(rt, fut, woken).has_value());
            CHECK(::read(both.ends[0], to.data(), to.size()) == 1);
        }
        CHECK(rt.block_on(both.writer.writable()).has_value());
    }
    TEST_CASE("async_fd: several tasks wait at once, readers and writers apart") {
        current_thread_runtime rt(pollux::test::driver_options());
        async_fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        const wake_counter first, second;
        auto one = event.readable();
        auto other = event.readable();
        CHECK(poll_in(rt, one, first).is_pending());
        CHECK(poll_in(rt, other, second).is_pending());
        CHECK(rt.block_on(event.writable()).has_value());
        CHECK(first.count() + second.count() == 0);
        REQUIRE(::eventfd_write(event.native_handle(), 1) == 0);
        drive_until(rt, [&] { return first.count() == 1 && second.count() == 1; });
        CHECK(poll_in(rt, one, first).has_value());
        CHECK(poll_in(rt, other, second).has_value());
    }
    TEST_CASE("async_fd: closes what it owns, and leaves what it has borrowed, which then wakes nobody") {
        current_thread_runtime rt(pollux::test::driver_options());
        const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        REQUIRE(fd >= 0);
        const wake_counter woken;
        {
            async_fd lent{borrowed(fd)};
            CHECK(lent.native_handle() == fd);
            auto fut = lent.readable();
            CHECK(poll_in(rt, fut, woken).is_pending());
        }
        CHECK(!woken.is_kept());
        CHECK(::fcntl(fd, F_GETFD) >= 0);
        { const async_fd owned(fd); }
        CHECK(::fcntl(fd, F_GETFD) < 0);
    }
    TEST_CASE("async_fd: throws no_runtime outside a runtime; a file that would block cannot be waited for") {
        current_thread_runtime rt(pollux::test::driver_options());
        pipe_ends both;
        auto fut = both.reader.readable();
        CHECK_THROWS_AS(static_cast<void>(poll_once(fut)), pollux::no_runtime);
        async_fd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
        CHECK(rt.block_on(file.readable()).has_value());
        CHECK(rt.block_on(file.try_io(direction::read, [] { return failed<int>(EAGAIN); })).error() ==
              std::errc::operation_not_permitted);
    }
    TEST_CASE("async_fd: a descriptor that is not open is an error, and not ready") {
        current_thread_runtime rt(pollux::test::driver_options());
        const int closed = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        REQUIRE(::close(closed) == 0);
        async_fd bad{pollux::net::borrowed(closed)};
        CHECK(rt.block_on(bad.readable()).error() == std::errc::bad_file_descriptor);
        CHECK(rt.block_on(bad.writable()).error() == std::errc::bad_file_descriptor);
    }
    TEST_CASE("async_fd: a callable that is always interrupted makes room for others") {
        current_thread_runtime rt(pollux::test::driver_options());
        pipe_ends both;
        int calls = 0;
        auto fut = both.writer.try_io(direction::write, [&] {
            ++calls;
            return failed<int>(EINTR);
        });
        rt.block_on(pollux::poll_fn([&](pollux::context&) {
            CHECK(poll_within(fut, 5, pollux::noop_waker()).is_pending());
            return pollux::polled<>::ready();
        }));
        CHECK(calls == 5);
    }
}

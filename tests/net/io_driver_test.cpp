// SPDX-License-Identifier: MIT
// What io_uring has of its own: that it is refused where the kernel forbids it, and what becomes of operations that are under way. All
// else says the rest of this folder, which runs on both drivers.
#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <semaphore>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "net/loopback.hpp"
#include "pollux/net/unix_stream.hpp"
#include "pollux/offload/block_in_place.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/forbidden_call.hpp"
#include "support/process_state.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using pollux::current_thread_runtime;
using pollux::io_driver;
using pollux::net::unix_stream;
using pollux::test::descriptors_of_process;
using pollux::test::poll_in;
using pollux::test::wake_counter;

pollux::runtime_options on_uring(unsigned workers = 1) {
    auto options = pollux::test::workers(workers);
    options.io = io_driver::uring;
    return options;
}

// 0: refused with EPERM and the message.
template <class Runtime>
int refusal() {
    try {
        const Runtime rt(on_uring());
        return 1;
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::operation_not_permitted) return 2;
        return std::string_view(error.what()).starts_with("pollux: runtime: io = uring: ") ? 0 : 3;
    }
}

}  // namespace

TEST_SUITE("net/io_driver") {
    TEST_CASE("io_driver: where the kernel forbids io_uring the constructor says so, and epoll works") {
        const ::pid_t child = ::fork();
        if (child == 0) {
            const auto before = descriptors_of_process();
            if (!pollux::test::forbid_call(SYS_io_uring_setup, EPERM)) ::_exit(10);
            int failed = refusal<current_thread_runtime>();
            if (failed == 0) failed = refusal<pollux::runtime>();
            if (failed == 0 && descriptors_of_process() != before) failed = 4;
            if (failed == 0) {
                current_thread_runtime rt;
                if (!rt.block_on(pollux::test::connected()).has_value()) failed = 5;
            }
            ::_exit(failed);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
    TEST_CASE("io_driver: what was received for a read that was dropped comes first, whoever reads next") {
        current_thread_runtime rt(on_uring());
        auto [ours, theirs] = unix_stream::pair().value();
        std::string to(8, '-');
        const wake_counter woken;
        {
            auto dropped = ours.read(to);
            CHECK(poll_in(rt, dropped, woken).is_pending());
        }
        REQUIRE(theirs.try_write("ab").value() == 2);
        rt.poll_once();
        REQUIRE(theirs.try_write("cd").value() == 2);
        std::string all;
        CHECK(rt.block_on(ours.peek(to)).value() == 2);
        all += to.substr(0, 2);
        const std::size_t n = ours.try_read(to).value();
        REQUIRE(n == 2);
        all += to.substr(0, n);
        CHECK(rt.block_on(ours.read(to)).value() == 2);
        all += to.substr(0, 2);
        CHECK(all == "ababcd");
    }
    TEST_CASE("io_driver: what was written before the stream was dropped reaches a peer that reads later") {
        current_thread_runtime rt(on_uring());
        auto [ours, theirs] = unix_stream::pair().value();
        const wake_counter woken;
        std::string to(1, '-');
        {
            auto registers = ours.read(to);
            CHECK(poll_in(rt, registers, woken).is_pending());
        }
        std::size_t written = 0;
        const std::string part(10'000, 'x');
        for (;;) {
            auto fut = ours.write(part);
            auto answer = poll_in(rt, fut, woken);
            if (answer.is_pending()) break;
            written += answer.value();
        }
        ours = unix_stream(pollux::net::detail::source());
        CHECK(rt.block_on(theirs.read_to_end()).value().size() == written);
    }
    TEST_CASE("io_driver: an operation goes on when the thread has ended that began it") {
        pollux::runtime rt(on_uring());
        auto [ours, theirs] = unix_stream::pair().value();
        std::string to(1, '-');
        std::thread([&] {
            rt.block_on(pollux::poll_fn([&](pollux::context& cx) {
                static_cast<void>(ours.poll_read(cx, to));
                return pollux::polled<>::ready();
            }));
        }).join();
        REQUIRE(theirs.try_write("x").value() == 1);
        CHECK(rt.block_on(ours.read(to)).value() == 1);
        CHECK(to == "x");
    }
    TEST_CASE("io_driver: a child of fork that drops a stream leaves its parent's operations alone") {
        current_thread_runtime rt(on_uring());
        auto [ours, theirs] = unix_stream::pair().value();
        std::string to(1, '-');
        const wake_counter woken;
        auto reading = ours.read(to);
        CHECK(poll_in(rt, reading, woken).is_pending());
        const ::pid_t child = ::fork();
        if (child == 0) {
            {
                const auto dropped = std::move(ours);
            }
            ::_exit(0);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
        REQUIRE(theirs.try_write("x").value() == 1);
        CHECK(rt.block_on(std::move(reading)).value() == 1);
        CHECK(to == "x");
    }
    TEST_CASE("io_driver: what is dropped outside of the runtime does not keep its workers from serving the others") {
        pollux::runtime rt(on_uring(2));
        for (int i = 0; i != 100; ++i) {
            CAPTURE(i);
            auto [ours, theirs] = unix_stream::pair().value();
            auto [gone, other] = unix_stream::pair().value();
            std::string to(1, '-'), unused(1, '-');
            auto reads = [](unix_stream& from, std::string& into) -> pollux::task<bool> {
                const auto n = co_await from.read(into);
                co_return n.has_value();
            };
            auto reading = rt.spawn(reads(ours, to));
            rt.block_on(pollux::poll_fn([&](pollux::context& cx) {
                static_cast<void>(gone.poll_read(cx, unused));
                return pollux::polled<>::ready();
            }));
            gone = unix_stream(pollux::net::detail::source());
            REQUIRE(theirs.try_write("x").value() == 1);
            CHECK(rt.block_on(std::move(reading)));
        }
    }
    TEST_CASE("io_driver: what was written is sent although its worker goes on in the same poll for long") {
        for (const bool steps_aside : {false, true}) {
            CAPTURE(steps_aside);
            auto [ours, theirs] = unix_stream::pair().value();
            std::binary_semaphore is_received(0);
            pollux::runtime rt(on_uring());
            const auto writes = [](unix_stream stream, std::binary_semaphore& until, bool aside) -> pollux::task<bool> {
                // From here on it goes through the ring.
                std::string to(1, '-');
                static_cast<void>(co_await pollux::poll_fn([&](pollux::context& cx) {
                    static_cast<void>(stream.poll_read(cx, to));
                    return pollux::polled<>::ready();
                }));
                const auto n = co_await stream.write("x");
                if (aside)
                    pollux::block_in_place([&] { until.acquire(); });
                else
                    until.acquire();
                co_return n.has_value();
            };
            auto task = rt.spawn(writes(std::move(ours), is_received, steps_aside));
            current_thread_runtime other;
            std::string to(1, '-');
            CHECK(other.block_on(theirs.read(to)).value() == 1);
            is_received.release();
            CHECK(rt.block_on(std::move(task)));
        }
    }
    TEST_CASE("io_driver: a runtime ends while a peer takes nothing, and leaves no descriptor") {
        const auto before = descriptors_of_process();
        for (const unsigned workers : {1u, 2u}) {
            CAPTURE(workers);
            auto [ours, theirs] = unix_stream::pair().value();
            pollux::runtime rt(on_uring(workers));
            const auto writes = [](unix_stream stream) -> pollux::task<void, std::error_code> {
                co_return co_await stream.write_all(std::string(10'000'000, 'x'));
            };
            auto task = rt.spawn(writes(std::move(ours)));
            std::string to(1, '-');
            CHECK(rt.block_on(theirs.read(to)).value() == 1);
        }
        CHECK(descriptors_of_process() == before);
    }
}

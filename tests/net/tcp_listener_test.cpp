// SPDX-License-Identifier: MIT
#include "pollux/net/tcp_listener.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "net/loopback.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/net/tcp_stream.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/testing/poll.hpp"
#include "support/driver_options.hpp"
#include "support/everywhere.hpp"
#include "support/heap_counter.hpp"
#include "support/posix_socket.hpp"
#include "support/process_state.hpp"
#include "support/wake_counter.hpp"
#include "support/workers.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using pollux::current_thread_runtime;
using pollux::task;
using pollux::testing::poll_once;

// The soft limit of descriptors, back again in the end.
class descriptor_limit {
public:
    explicit descriptor_limit(rlim_t limit) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        set(limit);
    }
    descriptor_limit(const descriptor_limit&) = delete;
    descriptor_limit& operator=(const descriptor_limit&) = delete;
    ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

    void set(rlim_t limit) const {
        const rlimit lowered{limit, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &lowered);
    }

private:
    rlimit before_{};
};

task<std::string, std::error_code> serve_one(tcp_listener& listener) {
    tcp_stream stream = co_await pollux::try_(listener.accept());
    std::string request = co_await pollux::try_(stream.read_some(16));
    co_await pollux::try_(stream.write_all("served"));
    co_return request;
}

task<int, std::error_code> serve_both_ways(const char* at) {
    tcp_listener listener = co_await pollux::try_(tcp_listener::bind(at));
    const socket_address own = listener.local_address().value();
    std::thread client([own] {
        for (int i = 0; i != 2; ++i) {
            const auto peer = posix_socket::connected(own);
            peer.write(std::string(1, static_cast<char>('0' + i)));
            static_cast<void>(peer.read_to_end());
        }
    });
    auto first = serve_one(listener);
    auto second = serve_one(listener);
    auto both = co_await pollux::join(std::move(first), std::move(second));
    client.join();
    const std::string a = std::get<0>(both).value();
    const std::string b = std::get<1>(both).value();
    co_return std::stoi(a) + std::stoi(b) + (own.port() != 0 ? 10 : 0);
}

}  // namespace

TEST_SUITE("net/tcp_listener") {
    TEST_CASE("tcp_listener: serves plain clients over both families, several acceptors at once, in every runtime") {
        for (const char* text : {"127.0.0.1:0", "[::1]:0", "localhost:0"}) {
            CAPTURE(text);
            gives_everywhere([&] { return serve_both_ways(text); }, std::expected<int, std::error_code>(11));
        }
    }
    TEST_CASE(
        "tcp_listener: binding is lazy, throws no_runtime outside a runtime, and fails with what the system says") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto own = listener.local_address().value();
        CHECK((::fcntl(listener.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK(rt.block_on(tcp_listener::bind(own)).error() == std::errc::address_in_use);
        CHECK(rt.block_on(tcp_listener::bind("localhost")).error() == errc::bad_address);
        CHECK(rt.block_on(tcp_listener::bind(*socket_address::unix_path("/tmp/x"))).error() == errc::bad_address);
        CHECK(rt.block_on(tcp_listener::bind("192.0.2.1:0")).error() == std::errc::address_not_available);
        const auto before = descriptors_of_process();
        auto outside = tcp_listener::bind("127.0.0.1:0");
        CHECK_THROWS_AS(static_cast<void>(poll_once(outside)), pollux::no_runtime);
        CHECK(descriptors_of_process() == before);
        auto accepting = listener.accept();
        CHECK_THROWS_AS(static_cast<void>(poll_once(accepting)), pollux::no_runtime);
    }
    TEST_CASE("tcp_listener: a port can be bound again while its last connections are being wound up") {
        current_thread_runtime rt(pollux::test::driver_options());
        std::optional<socket_address> own;
        {
            auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
            own = listener.local_address().value();
            const auto peer = posix_socket::connected(*own);
            { const auto closed_first = rt.block_on(listener.accept()).value(); }
            CHECK(peer.read_to_end().empty());
        }
        CHECK(rt.block_on(tcp_listener::bind(*own)).has_value());
    }
    TEST_CASE("tcp_listener: an accept that is dropped loses nothing, and each that waits gets another connection") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto own = listener.local_address().value();
        const wake_counter dropped, first, second;
        {
            auto fut = listener.accept();
            CHECK(poll_in(rt, fut, dropped).is_pending());
        }
        CHECK(!dropped.is_kept());
        auto one = listener.accept();
        auto other = listener.accept();
        CHECK(poll_in(rt, one, first).is_pending());
        CHECK(poll_in(rt, other, second).is_pending());
        const auto client = posix_socket::connected(own);
        // Both are woken; whoever is polled first has it.
        drive_until(rt, [&] { return first.count() == 1 && second.count() == 1; });
        auto got = poll_in(rt, one, first);
        REQUIRE(got.has_value());
        CHECK(got.value().peer_address() == client.local_address());
        CHECK(poll_in(rt, other, second).is_pending());
        const auto next = posix_socket::connected(own);
        drive_until(rt, [&] { return second.count() == 2; });
        CHECK(poll_in(rt, other, second).value().peer_address() == next.local_address());
        CHECK(dropped.count() == 0);
        CHECK(first.count() == 1);
    }
    TEST_CASE("tcp_listener: incoming is a stream of connections that borrows, and goes on after a drop") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        std::vector<posix_socket> clients;
        for (int i = 0; i != 3; ++i) clients.push_back(posix_socket::connected(listener.local_address().value()));
        {
            auto incoming = listener.incoming();
            for (int i = 0; i != 2; ++i) {
                const auto item = rt.block_on(pollux::next(incoming)).value();
                REQUIRE(item.has_value());
                CHECK(item->peer_address() == clients[static_cast<std::size_t>(i)].local_address());
            }
        }
        auto incoming = listener.incoming();
        CHECK(rt.block_on(pollux::next(incoming)).value()->peer_address() == clients[2].local_address());
    }
    TEST_CASE("tcp_listener: connections that were reset before they were taken harm nobody") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto own = listener.local_address().value();
        for (int i = 0; i != 8; ++i) {
            auto client = posix_socket::connected(own);
            client.reset();
        }
        const auto last = posix_socket::connected(own);
        // Linux hands them out all the same: the error is of the stream.
        for (int i = 0; i != 9; ++i) {
            auto stream = rt.block_on(listener.accept()).value();
            if (i == 8) {
                CHECK(stream.peer_address() == last.local_address());
                continue;
            }
            CHECK(rt.block_on(stream.read_some(1)).error() == std::errc::connection_reset);
        }
    }
    TEST_CASE("tcp_listener: without descriptors accept rests, and recovers once there are some") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto client = posix_socket::connected(listener.local_address().value());
        const wake_counter woken;
        auto fut = listener.accept();
        const auto begin = std::chrono::steady_clock::now();
        {
            const descriptor_limit none(1);
            // It tries, and rests for 10 ms; then for 20, then for 40: never shorter, so it does not spin.
            CHECK(poll_in(rt, fut, woken).is_pending());
            for (int rest = 1; rest != 4; ++rest) {
                drive_until(rt, [&] { return woken.count() == rest; });
                if (rest != 3) CHECK(poll_in(rt, fut, woken).is_pending());
            }
        }
        CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(70));
        auto got = poll_in(rt, fut, woken);
        REQUIRE(got.has_value());
        CHECK(got.value().peer_address() == client.local_address());
    }
    TEST_CASE("tcp_listener: without descriptors, an accept that rests may be dropped") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto client = posix_socket::connected(listener.local_address().value());
        const wake_counter woken;
        {
            const descriptor_limit none(1);
            auto fut = listener.accept();
            CHECK(poll_in(rt, fut, woken).is_pending());
        }
        CHECK(!woken.is_kept());
        CHECK(rt.block_on(listener.accept())->peer_address() == client.local_address());
    }
    TEST_CASE("tcp_listener: the end of the runtime cancels an accept that rests") {
        auto rt = std::make_optional<current_thread_runtime>(pollux::test::driver_options());
        auto listener = rt->block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto client = posix_socket::connected(listener.local_address().value());
        const wake_counter woken;
        auto fut = listener.accept();
        {
            const descriptor_limit none(1);
            CHECK(poll_in(*rt, fut, woken).is_pending());
        }
        rt.reset();
        CHECK(woken.count() == 1);
        current_thread_runtime other(pollux::test::driver_options());
        CHECK(poll_in(other, fut, woken).error() == std::errc::operation_canceled);
    }
    TEST_CASE("tcp_listener: connecting and accepting allocate nothing") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("127.0.0.1:0")).value();
        const auto own = listener.local_address().value();
        // The reactor has been made, and its places.
        { const auto warm_up = rt.block_on(pollux::join(tcp_stream::connect(own), listener.accept())); }
        std::optional<heap_counter> allocations;
        std::size_t count = 0;
        auto connecting = tcp_stream::connect(own);
        auto accepting = listener.accept();
        bool is_connected = false, has_accepted = false;
        rt.block_on(pollux::poll_fn([&](pollux::context& cx) -> pollux::polled<> {
            if (!allocations) allocations.emplace();
            if (!is_connected) is_connected = connecting.poll(cx).has_value();
            if (!has_accepted) has_accepted = accepting.poll(cx).has_value();
            if (!is_connected || !has_accepted) return pollux::pending;
            count = allocations->by_this_thread();
            return pollux::polled<>::ready();
        }));
        // What goes through io_uring has a place of its own for that.
        CHECK(count == (pollux::test::driver_of_tests() == pollux::io_driver::uring ? 1 : 0));
    }
    TEST_CASE("tcp_listener: the end of the runtime cancels what waits, in whatever thread") {
        for (const bool is_stream : {false, true}) {
            CAPTURE(is_stream);
            std::optional<tcp_listener> listener;
            std::optional<std::pair<tcp_stream, tcp_stream>> ends;
            wake_counter woken;
            std::string to(1, '-');
            auto rt = std::make_optional<pollux::runtime>(workers(2));
            listener.emplace(rt->block_on(tcp_listener::bind("127.0.0.1:0")).value());
            ends.emplace(rt->block_on(connected()).value());
            auto accepting = listener->accept();
            auto reading = ends->first.read(to);
            // Polled inside the runtime that ends, by a thread that stays.
            std::error_code error;
            const auto poll = [&](pollux::context& cx) -> pollux::polled<> {
                const auto waker = woken.waker();
                pollux::context child = cx.with_waker(waker);
                if (is_stream)
                    CHECK(reading.poll(child).is_pending());
                else
                    CHECK(accepting.poll(child).is_pending());
                return pollux::polled<>::ready();
            };
            rt->block_on(pollux::poll_fn(poll));
            CHECK(woken.count() == 0);
            rt.reset();
            CHECK(woken.count() == 1);
            current_thread_runtime other(pollux::test::driver_options());
            other.block_on(pollux::poll_fn([&](pollux::context& cx) -> pollux::polled<> {
                if (is_stream)
                    error = reading.poll(cx).error();
                else
                    error = accepting.poll(cx).error();
                return pollux::polled<>::ready();
            }));
            CHECK(error == std::errc::operation_canceled);
        }
    }

    TEST_CASE("tcp_listener: its address is free once it was dropped, though somebody had waited for it") {
        for (const unsigned n : {1u, 2u}) {
            pollux::runtime rt(workers(n));
            std::string at = "127.0.0.1:0";
            for (int i = 0; i != 50; ++i) {
                auto bound = rt.block_on(tcp_listener::bind(at));
                REQUIRE(bound.has_value());
                at = bound->local_address().value().to_string();
                rt.block_on(pollux::poll_fn([&](pollux::context& cx) {
                    auto accepted = bound->accept();
                    CHECK(accepted.poll(cx).is_pending());
                    return pollux::polled<>::ready();
                }));
            }
        }
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/net/udp_socket.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <expected>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/loopback.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/runtime.hpp"
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

static_assert(!std::is_copy_constructible_v<udp_socket>);
static_assert(std::is_nothrow_move_constructible_v<udp_socket>);

task<std::string, std::error_code> to_and_fro(const char* at) {
    udp_socket one = co_await pollux::try_(udp_socket::bind(at));
    udp_socket other = co_await pollux::try_(udp_socket::bind(at));
    const socket_address there = other.local_address().value();
    co_await pollux::try_(one.send_to("ping", there));
    std::string to(16, '-');
    auto received = co_await pollux::try_(other.recv_from(to));
    to.resize(received.first);
    co_await pollux::try_(other.send_to(to + " pong", received.second));
    std::string back(16, '-');
    const std::size_t n = co_await pollux::try_(one.recv(back));
    co_return back.substr(0, n);
}

// What it received until an empty datagram came.
task<std::vector<std::string>> receive_some(udp_socket& from) {
    std::vector<std::string> all;
    for (;;) {
        std::string to(16, '-');
        const auto n = co_await from.recv(to);
        if (!n.has_value() || *n == 0) co_return all;
        all.push_back(to.substr(0, *n));
    }
}

}  // namespace

TEST_SUITE("net/udp_socket") {
    TEST_CASE("udp_socket: sends to and fro over both families, in every runtime") {
        for (const char* at : {"127.0.0.1:0", "[::1]:0"}) {
            CAPTURE(at);
            gives_everywhere([&] { return to_and_fro(at); }, std::expected<std::string, std::error_code>("ping pong"));
        }
    }
    TEST_CASE("udp_socket: binding is lazy and throws no_runtime outside a runtime, as sending and receiving do") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto socket = rt.block_on(udp_socket::bind("127.0.0.1:0")).value();
        CHECK((::fcntl(socket.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
        const auto own = socket.local_address().value();
        const auto before = descriptors_of_process();
        auto binding = udp_socket::bind("127.0.0.1:0");
        CHECK_THROWS_AS(static_cast<void>(poll_once(binding)), pollux::no_runtime);
        CHECK(descriptors_of_process() == before);
        std::string to(1, '-');
        auto receiving = socket.recv_from(to);
        CHECK_THROWS_AS(static_cast<void>(poll_once(receiving)), pollux::no_runtime);
        auto sending = socket.send_to("x", own);
        CHECK_THROWS_AS(static_cast<void>(poll_once(sending)), pollux::no_runtime);
        CHECK(rt.block_on(udp_socket::bind(own)).error() == std::errc::address_in_use);
        CHECK(rt.block_on(udp_socket::bind("nonsense")).error() == errc::bad_address);
        CHECK(rt.block_on(udp_socket::bind(*socket_address::unix_path("/x"))).error() == errc::bad_address);
    }
    TEST_CASE("udp_socket: a datagram is cut to the span, and an empty one is received as such") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto socket = rt.block_on(udp_socket::bind("127.0.0.1:0")).value();
        const auto own = socket.local_address().value();
        CHECK(rt.block_on(socket.send_to("long", own)).value() == 4);
        CHECK(rt.block_on(socket.send_to("", own)).value() == 0);
        std::string to(2, '-');
        CHECK(rt.block_on(socket.peek(to)).value() == 2);
        CHECK(to == "lo");
        CHECK(rt.block_on(socket.recv(to)).value() == 2);
        CHECK(to == "lo");
        const auto empty = rt.block_on(socket.recv_from(to)).value();
        CHECK(empty.first == 0);
        CHECK(empty.second == own);
        const std::string too_much(70'000, 'x');
        CHECK(rt.block_on(socket.send_to(too_much, own)).error() == std::errc::message_size);
    }
    TEST_CASE("udp_socket: connected, it sends without an address, and receives from no other") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto socket = rt.block_on(udp_socket::bind("127.0.0.1:0")).value();
        CHECK(rt.block_on(socket.send("x")).error() == std::errc::destination_address_required);
        CHECK(socket.peer_address().error() == std::errc::not_connected);
        const auto peer = posix_socket::bound(address_of("127.0.0.1:0"), SOCK_DGRAM);
        const auto other = posix_socket::connected(socket.local_address().value(), SOCK_DGRAM);
        // By name too: the first of its addresses that the socket can reach.
        const auto name = "localhost:" + std::to_string(peer.local_address().port());
        CHECK(rt.block_on(socket.connect(name)).has_value());
        CHECK(socket.peer_address() == peer.local_address());
        CHECK(rt.block_on(socket.send("hello")).value() == 5);
        CHECK(peer.read(16) == "hello");
        std::string to(16, '-');
        auto fut = socket.recv(to);
        const wake_counter woken;
        CHECK(poll_in(rt, fut, woken).is_pending());
        const auto reply = [&](std::string_view bytes) {
            const auto back = socket.local_address().value();
            CHECK(::sendto(peer.descriptor(), bytes.data(), bytes.size(), 0, static_cast<const sockaddr*>(back.data()),
                           static_cast<socklen_t>(back.size())) == static_cast<ssize_t>(bytes.size()));
        };
        CHECK(::send(other.descriptor(), "stranger", 8, 0) == 8);
        reply("reply");
        drive_until(rt, [&] { return woken.count() != 0; });
        CHECK(poll_in(rt, fut, woken).value() == 5);
        CHECK(to.starts_with("reply-"));
    }
    TEST_CASE("udp_socket: a name to send to is looked up; the first address of the socket's family is taken") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto socket = rt.block_on(udp_socket::bind("127.0.0.1:0")).value();
        const auto name = "localhost:" + std::to_string(socket.local_address()->port());
        CHECK(rt.block_on(socket.send_to("x", name)).value() == 1);
        CHECK(rt.block_on(socket.send_to("x", "nonsense")).error() == errc::bad_address);
        CHECK(rt.block_on(socket.connect("nonsense")).error() == errc::bad_address);
        std::string to(2, '-');
        CHECK(socket.try_recv_from(to).value().second == socket.local_address().value());
    }
    TEST_CASE("udp_socket: when nobody listens, the next operation of a connected socket is refused") {
        current_thread_runtime rt(pollux::test::driver_options());
        const auto nobody = posix_socket::bound(address_of("127.0.0.1:0"), SOCK_DGRAM).local_address();
        auto socket = udp_socket::v4().value();
        CHECK(rt.block_on(socket.connect(nobody)).has_value());
        CHECK(rt.block_on(socket.send("x")).value() == 1);
        std::string to(2, '-');
        CHECK(rt.block_on(socket.recv(to)).error() == std::errc::connection_refused);
    }
    TEST_CASE("udp_socket: try forms never wait, and work outside a runtime") {
        auto socket = udp_socket::v4().value();
        CHECK(socket.bind_to("127.0.0.1:0").has_value());
        const auto own = socket.local_address().value();
        std::string to(4, '-');
        CHECK(socket.try_recv(to).error() == std::errc::operation_would_block);
        CHECK(socket.try_recv_from(to).error() == std::errc::operation_would_block);
        CHECK(socket.try_send_to("ab", own).value() == 2);
        const auto got = socket.try_recv_from(to).value();
        CHECK(got.first == 2);
        CHECK(got.second == own);
        CHECK(socket.try_send("x").error() == std::errc::destination_address_required);
    }
    TEST_CASE("try_send_to: takes text, which is not looked up") {
        auto socket = udp_socket::v4().value();
        CHECK(socket.bind_to("127.0.0.1:0").has_value());
        const auto own = socket.local_address().value();
        const std::string text = "127.0.0.1:" + std::to_string(own.port());
        std::string to(4, '-');
        CHECK(socket.try_send_to("abc", text).value() == 3);
        CHECK(socket.try_recv_from(to).value() == std::pair{std::size_t{3}, own});
        CHECK(socket.try_send_to("ab", text.c_str()).value() == 2);
        CHECK(socket.try_recv_from(to).value() == std::pair{std::size_t{2}, own});
        CHECK(socket.try_send_to("a", address(own)).value() == 1);
        CHECK(socket.try_recv_from(to).value() == std::pair{std::size_t{1}, own});
        CHECK(socket.try_send_to("ab", "127.0.0.1").error() == errc::bad_address);
        CHECK(socket.try_send_to("ab", "localhost:9").error() == std::errc::operation_would_block);
        CHECK(socket.try_recv(to).error() == std::errc::operation_would_block);
    }
    TEST_CASE("udp_socket: several tasks receive at once, and each datagram goes to one of them") {
        pollux::runtime rt(workers(2));
        auto socket = rt.block_on(udp_socket::bind("127.0.0.1:0")).value();
        const auto own = socket.local_address().value();
        constexpr int tasks = 4, datagrams = 200;
        std::vector<pollux::join_handle<std::vector<std::string>>> receivers;
        for (int i = 0; i != tasks; ++i) receivers.push_back(rt.spawn(receive_some(socket)));
        for (int i = 0; i != datagrams; ++i)
            CHECK(rt.block_on(socket.send_to(std::to_string(i + 1000), own)).value() == 4);
        for (int i = 0; i != tasks; ++i) CHECK(rt.block_on(socket.send_to("", own)).value() == 0);
        std::vector<std::string> all;
        for (auto& each : receivers) {
            const auto some = rt.block_on(std::move(each));
            all.insert(all.end(), some.begin(), some.end());
        }
        std::ranges::sort(all);
        CHECK(all.size() == datagrams);
        CHECK(std::ranges::adjacent_find(all) == all.end());
    }
    TEST_CASE("udp_socket: a receive that is dropped loses nothing") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto socket = rt.block_on(udp_socket::bind("127.0.0.1:0")).value();
        std::string to(4, '-');
        const wake_counter woken;
        {
            auto fut = socket.recv(to);
            CHECK(poll_in(rt, fut, woken).is_pending());
            CHECK(rt.block_on(socket.send_to("x", socket.local_address().value())).value() == 1);
        }
        CHECK(!woken.is_kept());
        CHECK(rt.block_on(socket.recv(to)).value() == 1);
    }
    TEST_CASE("udp_socket: sending and receiving allocate nothing") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto socket = rt.block_on(udp_socket::bind("127.0.0.1:0")).value();
        const auto own = socket.local_address().value();
        std::string to(4, '-');
        // The place in the reactor comes with the first wait.
        const wake_counter woken;
        {
            auto fut = socket.recv(to);
            CHECK(poll_in(rt, fut, woken).is_pending());
        }
        CHECK(rt.block_on(socket.send_to("x", own)).value() == 1);
        CHECK(rt.block_on(socket.readable()).has_value());
        std::size_t count = 1;
        rt.block_on(pollux::poll_fn([&](pollux::context& cx) {
            const heap_counter allocations;
            auto sending = socket.send_to("x", own);
            const bool has_sent = sending.poll(cx).has_value();
            auto receiving = socket.recv_from(to);
            const bool has_received = receiving.poll(cx).has_value();
            auto waiting = socket.writable();
            const bool is_ready = waiting.poll(cx).has_value();
            count = allocations.by_this_thread();
            CHECK(has_sent);
            CHECK(has_received);
            CHECK(is_ready);
            return pollux::polled<>::ready();
        }));
        CHECK(count == 0);
    }
}

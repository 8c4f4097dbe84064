// SPDX-License-Identifier: MIT
// The builder, and the options of all sockets: what the system has afterwards.
#include "pollux/net/tcp_socket.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "net/loopback.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/net/udp_socket.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "support/driver_options.hpp"
#include "support/posix_socket.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using namespace std::chrono_literals;
using pollux::current_thread_runtime;

int option(const auto& socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket.native_handle(), level, name, &value, &size) == 0);
    return value;
}

linger lingering(const auto& socket) {
    linger value{-1, -1};
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(socket.native_handle(), SOL_SOCKET, SO_LINGER, &value, &size) == 0);
    return value;
}

}  // namespace

TEST_SUITE("net/tcp_socket") {
    TEST_CASE("tcp_socket: options set before bind and connect are those of the listener and the stream") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto socket = tcp_socket::v4().value();
        CHECK((::fcntl(socket.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK(socket.set_reuse_address(true).has_value());
        CHECK(socket.set_reuse_port(true).has_value());
        CHECK(option(socket, SOL_SOCKET, SO_REUSEADDR) == 1);
        CHECK(option(socket, SOL_SOCKET, SO_REUSEPORT) == 1);
        CHECK(socket.bind("127.0.0.1:0").has_value());
        const auto own = socket.local_address().value();
        auto listener = std::move(socket).listen(16).value();
        CHECK(listener.local_address() == own);
        CHECK(option(listener, SOL_SOCKET, SO_ACCEPTCONN) == 1);

        // Shared, as both have said.
        auto second = tcp_socket::v4().value();
        CHECK(second.bind(own).error() == std::errc::address_in_use);
        CHECK(second.set_reuse_port(true).has_value());
        CHECK(second.bind(own).has_value());

        auto client = tcp_socket::v4().value();
        CHECK(client.bind("127.0.0.1:0").has_value());
        const auto bound = client.local_address().value();
        CHECK(client.set_nodelay(true).has_value());
        auto stream = rt.block_on(std::move(client).connect(own)).value();
        CHECK(stream.local_address() == bound);
        CHECK(option(stream, IPPROTO_TCP, TCP_NODELAY) == 1);
        CHECK(rt.block_on(listener.accept()).value().peer_address() == bound);
    }
    TEST_CASE("tcp_socket: of a name the first address of its family is taken to connect to; none is to bind to") {
        current_thread_runtime rt(pollux::test::driver_options());
        const auto listener = posix_socket::bound(address_of("127.0.0.1:0"));
        const auto port = listener.local_address().port();
        const std::string name = "localhost:" + std::to_string(port);
        auto client = tcp_socket::v4().value();
        CHECK(client.bind(name).error() == errc::bad_address);
        CHECK(client.bind("nonsense").error() == errc::bad_address);
        CHECK(rt.block_on(std::move(client).connect(name)).value().peer_address() == listener.local_address());
        auto other = tcp_socket::v6().value();
        CHECK(rt.block_on(std::move(other).connect(listener.local_address())).error() == std::errc::invalid_argument);
    }
    TEST_CASE("options: those of a stream") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected()).value();
        tcp_stream& stream = ends.first;
        for (const bool on : {true, false}) {
            CHECK(stream.set_nodelay(on).has_value());
            CHECK((option(stream, IPPROTO_TCP, TCP_NODELAY) != 0) == on);
            CHECK(stream.set_keepalive(on).has_value());
            CHECK((option(stream, SOL_SOCKET, SO_KEEPALIVE) != 0) == on);
        }
        CHECK(stream.set_linger(3s).has_value());
        CHECK(lingering(stream).l_onoff == 1);
        CHECK(lingering(stream).l_linger == 3);
        CHECK(stream.set_linger(std::nullopt).has_value());
        CHECK(lingering(stream).l_onoff == 0);
        CHECK(stream.set_linger(-1s).error() == std::errc::invalid_argument);
        CHECK(stream.set_ttl(7).has_value());
        CHECK(option(stream, IPPROTO_IP, IP_TTL) == 7);
        CHECK(stream.set_ttl(1000).error() == std::errc::invalid_argument);
        // Linux keeps as much again for itself.
        CHECK(stream.set_send_buffer(20'000).has_value());
        CHECK(option(stream, SOL_SOCKET, SO_SNDBUF) == 40'000);
        CHECK(stream.set_receive_buffer(30'000).has_value());
        CHECK(option(stream, SOL_SOCKET, SO_RCVBUF) == 60'000);
    }
    TEST_CASE("options: a stream that lingers for no time resets its peer when it goes") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto ends = rt.block_on(connected()).value();
        CHECK(ends.first.set_linger(0s).has_value());
        { const auto dropped = std::move(ends.first); }
        CHECK(rt.block_on(ends.second.read_some(1)).error() == std::errc::connection_reset);
    }
    TEST_CASE("options: of IPv6, and of UDP") {
        current_thread_runtime rt(pollux::test::driver_options());
        auto listener = rt.block_on(tcp_listener::bind("[::1]:0")).value();
        CHECK(listener.set_ttl(9).has_value());
        CHECK(option(listener, IPPROTO_IPV6, IPV6_UNICAST_HOPS) == 9);
        auto socket = udp_socket::v4().value();
        CHECK(socket.set_reuse_port(true).has_value());
        CHECK(socket.bind_to("127.0.0.1:0").has_value());
        auto second = udp_socket::v4().value();
        CHECK(second.bind_to(socket.local_address().value()).error() == std::errc::address_in_use);
        CHECK(second.set_reuse_port(true).has_value());
        CHECK(second.bind_to(socket.local_address().value()).has_value());
        CHECK(udp_socket::v6()->bind_to("[::1]:0").has_value());
    }
}

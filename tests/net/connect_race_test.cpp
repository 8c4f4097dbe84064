// SPDX-License-Identifier: MIT
#include "net/connect_race.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <system_error>
#include <vector>

#include "net/loopback.hpp"
#include "pollux/net/tcp_stream.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "support/driver_options.hpp"
#include "support/posix_socket.hpp"
#include "support/process_state.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::net;
using namespace pollux::test;
using detail::connect_race;
using pollux::current_thread_runtime;

std::vector<std::string> texts_in_turn(std::vector<socket_address> of) {
    std::vector<std::string> texts;
    for (const auto& one : connect_race::in_turn(of)) texts.push_back(one.to_string());
    return texts;
}

// Its queue of one is full: what comes after it is not answered.
struct silent_listener {
    posix_socket listener = posix_socket::bound(address_of("127.0.0.1:0"), SOCK_STREAM, 0);
    posix_socket first = posix_socket::connected(listener.local_address());
};

socket_address refusing() { return posix_socket::bound(address_of("127.0.0.1:0")).local_address(); }

struct race_future {
    using value_type = tcp_stream;
    using error_type = std::error_code;

    pollux::polled<tcp_stream, std::error_code> poll(pollux::context& cx) {
        auto won = race.poll(cx);
        if (won.is_pending()) return pollux::pending;
        if (won.has_error()) return std::unexpected(won.error());
        return tcp_stream(std::move(won.value()));
    }

    connect_race race;
};

}  // namespace

TEST_SUITE("net/connect_race") {
    TEST_CASE("connect_race: families come in turn, the first one's first, each in its own order") {
        const auto a4 = address_of("127.0.0.1:1"), b4 = address_of("127.0.0.2:1"), c4 = address_of("127.0.0.3:1");
        const auto a6 = address_of("[::1]:1"), b6 = address_of("[::2]:1");
        using texts = std::vector<std::string>;
        CHECK(texts_in_turn({a6, b6, a4, b4, c4}) ==
              texts{"[::1]:1", "127.0.0.1:1", "[::2]:1", "127.0.0.2:1", "127.0.0.3:1"});
        CHECK(texts_in_turn({a4, a6, b6}) == texts{"127.0.0.1:1", "[::1]:1", "[::2]:1"});
        CHECK(texts_in_turn({a4, b4}) == texts{"127.0.0.1:1", "127.0.0.2:1"});
    }
    TEST_CASE("connect_race: after an address that refuses, the next one is tried at once") {
        current_thread_runtime rt(pollux::test::driver_options());
        const auto listener = posix_socket::bound(address_of("127.0.0.1:0"));
        const std::vector to{refusing(), *socket_address::unix_path("no address to connect to"), refusing(),
                             listener.local_address()};
        CHECK(rt.block_on(race_future{connect_race(to)}).value().peer_address() == listener.local_address());
    }
    TEST_CASE("connect_race: if all fail, with the error of the last") {
        current_thread_runtime rt(pollux::test::driver_options());
        const std::vector to{refusing(), refusing()};
        const auto descriptors = descriptors_of_process();
        CHECK(rt.block_on(race_future{connect_race(to)}).error() == std::errc::connection_refused);
        const std::vector last{refusing(), *socket_address::unix_path("/tmp")};
        CHECK(rt.block_on(race_future{connect_race(last)}).error() == std::errc::invalid_argument);
        CHECK(descriptors_of_process() <= descriptors + 2);  // the reactor's own
    }
    TEST_CASE(
        "connect_race: an address that does not answer has a head start; whoever is there first wins, the other is "
        "closed") {
        current_thread_runtime rt(pollux::test::driver_options());
        silent_listener silent;
        const auto listener = posix_socket::bound(address_of("127.0.0.1:0"));
        const std::vector to{silent.listener.local_address(), listener.local_address()};
        const wake_counter woken;
        race_future fut{connect_race(to)};
        const auto begin = std::chrono::steady_clock::now();
        CHECK(poll_in(rt, fut, woken).is_pending());
        drive_until(rt, [&] { return woken.count() != 0; });
        CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(250));
        auto won = poll_in(rt, fut, woken);
        while (won.is_pending()) {
            rt.poll_once();
            won = poll_in(rt, fut, woken);
        }
        REQUIRE(won.has_value());
        CHECK(won.value().peer_address() == listener.local_address());
    }
    TEST_CASE("connect_race: dropped, it closes all its attempts") {
        current_thread_runtime rt(pollux::test::driver_options());
        silent_listener silent;
        const wake_counter woken;
        const std::vector to{silent.listener.local_address(), silent.listener.local_address()};
        {
            race_future warm_up{connect_race(to)};
            CHECK(poll_in(rt, warm_up, woken).is_pending());
        }
        const auto before = descriptors_of_process();
        {
            race_future fut{connect_race(to)};
            CHECK(poll_in(rt, fut, woken).is_pending());
            drive_until(rt, [&] { return woken.count() != 0; });
            CHECK(poll_in(rt, fut, woken).is_pending());
            CHECK(descriptors_of_process() == before + 2);
        }
        CHECK(descriptors_of_process() == before);
        CHECK(!woken.is_kept());
    }
    TEST_CASE("connect_race: a name with several addresses is connected to") {
        current_thread_runtime rt(pollux::test::driver_options());
        const auto listener = posix_socket::bound(address_of("127.0.0.1:0"));
        const auto port = listener.local_address().port();
        const auto stream = rt.block_on(tcp_stream::connect("localhost:" + std::to_string(port)));
        REQUIRE(stream.has_value());
        CHECK(stream->peer_address() == listener.local_address());
    }
}

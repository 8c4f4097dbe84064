// SPDX-License-Identifier: MIT
#include "pollux/net/resolve.hpp"

#include <doctest/doctest.h>
#include <netdb.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "net/loopback.hpp"
#include "pollux/core/block_on.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/detail/address_lookup.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/testing/poll.hpp"
#include "support/driver_options.hpp"
#include "support/wake_counter.hpp"

namespace {

using namespace pollux::net;
using pollux::test::poll_in;
using pollux::testing::assert_ready;
using pollux::testing::poll_once;

struct first_of {
    using value_type = std::string;
    using error_type = std::error_code;

    pollux::polled<std::string, std::error_code> poll(pollux::context& cx) {
        auto found = lookup.poll(cx);
        if (found.is_pending()) return pollux::pending;
        if (found.has_error()) return std::unexpected(found.error());
        return found.value().front().to_string();
    }

    detail::address_lookup lookup;
};

std::expected<std::string, std::error_code> looked_up(address of) {
    pollux::current_thread_runtime rt(pollux::test::driver_options());
    return rt.block_on(first_of{detail::address_lookup(std::move(of))});
}

}  // namespace

TEST_SUITE("net/resolve") {
    TEST_CASE("resolve: localhost is this machine, with the port that was asked for, each address once") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        const auto found = rt.block_on(resolve("localhost", 8080));
        REQUIRE(found.has_value());
        REQUIRE(!found->empty());
        for (const auto& one : *found) {
            CAPTURE(one.to_string());
            CHECK((one == socket_address::parse("127.0.0.1:8080") || one == socket_address::parse("[::1]:8080")));
            CHECK(std::count(found->begin(), found->end(), one) == 1);
        }
    }
    TEST_CASE("resolve: numbers stand for themselves, without brackets") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        CHECK(rt.block_on(resolve("127.0.0.1", 1)) == std::vector{*socket_address::parse("127.0.0.1:1")});
        CHECK(rt.block_on(resolve("::1", 2)) == std::vector{*socket_address::parse("[::1]:2")});
    }
    TEST_CASE("resolve: fails in its own category") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        using namespace std::string_literals;
        for (const auto& name : {"no such name"s, "127.0.0.1\0.evil"s, ""s}) {
            CAPTURE(name);
            const auto found = rt.block_on(resolve(name, 1));
            REQUIRE(!found.has_value());
            CHECK(found.error().category() == resolve_category());
            CHECK(!found.error().message().empty());
        }
    }
    TEST_CASE("resolve: takes a name of any string type") {
        pollux::current_thread_runtime rt(pollux::test::driver_options());
        const std::vector one{*socket_address::parse("127.0.0.1:1")};
        const std::string name = "127.0.0.1";
        CHECK(rt.block_on(resolve(name, 1)) == one);
        CHECK(rt.block_on(resolve(std::string_view(name), 1)) == one);
        CHECK(rt.block_on(resolve(name.c_str(), 1)) == one);
        CHECK(name == "127.0.0.1");
    }
    TEST_CASE("resolve: throws no_runtime outside a runtime") {
        auto fut = resolve("localhost", 1);
        CHECK_THROWS_AS(static_cast<void>(poll_once(fut)), pollux::no_runtime);
    }
    TEST_CASE("address: text is read as numbers or as a name that is looked up; what is wrong comes out of the poll") {
        CHECK(looked_up("127.0.0.1:80") == "127.0.0.1:80");
        CHECK(looked_up(std::string("[::1]:80")) == "[::1]:80");
        CHECK(looked_up(std::string_view("127.0.0.1:80")) == "127.0.0.1:80");
        CHECK(looked_up(*socket_address::parse("127.0.0.1:81")) == "127.0.0.1:81");
        const auto by_name = looked_up("localhost:82");
        CHECK((by_name == "127.0.0.1:82" || by_name == "[::1]:82"));
        for (const char* wrong : {"", "localhost", "localhost:", ":80", "localhost:x", "[localhost]:80", "::1:80"}) {
            CAPTURE(wrong);
            CHECK(looked_up(wrong).error() == errc::bad_address);
        }
        CHECK(looked_up("no such name:80").error().category() == resolve_category());
    }
    // It threw task_cancelled.
    TEST_CASE("resolve: fails with operation_canceled if its runtime ends before the call") {
        auto options = pollux::test::driver_options();
        options.max_blocking_threads = 1;
        pollux::current_thread_runtime rt(options);
        const auto may_end = std::make_shared<std::atomic<bool>>(false);  // its thread outlives the test
        auto before = pollux::blocking([may_end] { may_end->wait(false); });
        auto resolves = resolve("localhost", 80);
        const pollux::test::wake_counter woken;
        CHECK(poll_in(rt, before, woken).is_pending());
        CHECK(poll_in(rt, resolves, woken).is_pending());
        rt.shutdown(std::chrono::seconds(0));
        CHECK(pollux::block_on(resolves).error() == std::errc::operation_canceled);
        *may_end = true;
        may_end->notify_all();
    }
    // It threw no_runtime there.
    TEST_CASE("address: a look-up that the end of its runtime leaves pending fails outside of a runtime, too") {
        auto options = pollux::test::driver_options();
        options.max_blocking_threads = 1;
        pollux::current_thread_runtime rt(options);
        const auto may_end = std::make_shared<std::atomic<bool>>(false);  // its thread outlives the test
        auto before = pollux::blocking([may_end] { may_end->wait(false); });
        first_of looks_up{detail::address_lookup("localhost:80")};
        const pollux::test::wake_counter woken;
        CHECK(poll_in(rt, before, woken).is_pending());
        CHECK(poll_in(rt, looks_up, woken).is_pending());
        rt.shutdown(std::chrono::seconds(0));
        CHECK(pollux::block_on(looks_up).error() == std::errc::operation_canceled);
        *may_end = true;
        may_end->notify_all();
    }
    TEST_CASE("unix_address: is a path, of any string type, or an address") {
        CHECK(looked_up(unix_address("/tmp/x").get()) == "/tmp/x");
        CHECK(looked_up(unix_address(std::string("/tmp/x:80")).get()) == "/tmp/x:80");
        CHECK(looked_up(unix_address(*socket_address::unix_abstract("x")).get()) == "@x");
        CHECK(looked_up(unix_address("").get()).error() == errc::bad_path);
        CHECK(looked_up(unix_address(std::string(108, 'x')).get()).error() == errc::bad_path);
    }
    TEST_CASE("address: what needs no look-up throws no_runtime outside a runtime too") {
        detail::address_lookup lookup("127.0.0.1:80");
        pollux::context cx(pollux::noop_waker());
        CHECK_THROWS_AS(static_cast<void>(lookup.poll(cx)), pollux::no_runtime);
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/net/socket_address.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>

#include "pollux/net/errc.hpp"

namespace {

using pollux::net::errc;
using pollux::net::socket_address;

static_assert(sizeof(socket_address) == 112);
static_assert(std::is_trivially_copyable_v<socket_address>);

}  // namespace

TEST_SUITE("net/socket_address") {
    TEST_CASE("socket_address: numbers of both families are read, and written as they were read") {
        for (const std::string_view text : {"127.0.0.1:8080", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:0",
                                            "[2001:db8::ff00:42:8329]:443", "[::ffff:10.0.0.1]:1"}) {
            CAPTURE(text);
            const auto address = socket_address::parse(text);
            REQUIRE(address.has_value());
            CHECK(address->to_string() == text);
            CHECK(address->is_v4() == (text.front() != '['));
            CHECK(address->is_v6() == (text.front() == '['));
            CHECK(!address->is_unix());
        }
        CHECK(socket_address::parse("127.0.0.1:8080")->port() == 8080);
        CHECK(socket_address::parse("[::1]:443")->port() == 443);
        CHECK(socket_address::parse("[0:0:0:0:0:0:0:1]:80")->to_string() == "[::1]:80");
    }
    TEST_CASE("socket_address: an interface of IPv6 is named by its number or its name") {
        CHECK(socket_address::parse("[fe80::1%7]:80")->to_string() == "[fe80::1%7]:80");
        const auto by_name = socket_address::parse("[fe80::1%lo]:80");
        REQUIRE(by_name.has_value());
        CHECK(by_name->to_string().starts_with("[fe80::1%"));
        CHECK(!socket_address::parse("[fe80::1%no_such_name]:80").has_value());
        CHECK(!socket_address::parse("[fe80::1%]:80").has_value());
    }
    TEST_CASE("socket_address: text of another form is a bad_address") {
        for (const std::string_view text : {"",
                                            ":",
                                            ":80",
                                            "127.0.0.1",
                                            "127.0.0.1:",
                                            "127.0.0.1:65536",
                                            "127.0.0.1:-1",
                                            "127.0.0.1:+1",
                                            "127.0.0.1: 1",
                                            "127.0.0.1:80x",
                                            "127.0.0:80",
                                            "127.0.0.256:80",
                                            "1.2.3.4.5:80",
                                            "localhost:80",
                                            "::1:80",
                                            "[::1]",
                                            "[::1]80",
                                            "[]:80",
                                            "[127.0.0.1]:80",
                                            "[::1:80",
                                            "::1]:80",
                                            "[[::1]]:80",
                                            "[12345::]:80",
                                            "127.0.0.1:80:80"}) {
            CAPTURE(text);
            const auto address = socket_address::parse(text);
            REQUIRE(!address.has_value());
            CHECK(address.error() == errc::bad_address);
        }
        using namespace std::string_view_literals;
        CHECK(!socket_address::parse("127.0.0.1\0:80"sv).has_value());
        CHECK(!socket_address::parse("[::1\0]:80"sv).has_value());
        CHECK(!socket_address::parse("127.0.0.1:80\0"sv).has_value());
    }
    TEST_CASE("socket_address: a path or an abstract name has 1 to 107 bytes") {
        const auto path = socket_address::unix_path("/tmp/socket");
        REQUIRE(path.has_value());
        CHECK(path->is_unix());
        CHECK(!path->is_v4());
        CHECK(path->to_string() == "/tmp/socket");
        CHECK(path->port() == 0);
        CHECK(socket_address::unix_abstract("name")->to_string() == "@name");
        using namespace std::string_view_literals;
        CHECK(socket_address::unix_abstract("a\0b"sv)->to_string() == "@a\0b"sv);

        const std::string longest(107, 'x');
        CHECK(socket_address::unix_path(longest)->to_string() == longest);
        CHECK(socket_address::unix_abstract(longest)->to_string() == "@" + longest);
        CHECK(socket_address::unix_path(longest + "x").error() == errc::bad_path);
        CHECK(socket_address::unix_abstract(longest + "x").error() == errc::bad_path);
        CHECK(socket_address::unix_path("").error() == errc::bad_path);
        CHECK(socket_address::unix_abstract("").error() == errc::bad_path);
        CHECK(socket_address::unix_path("a\0b"sv).error() == errc::bad_path);
    }
    TEST_CASE("socket_address: made by default it is of no family, and has no text") {
        const socket_address none;
        CHECK(!none.is_v4());
        CHECK(!none.is_v6());
        CHECK(!none.is_unix());
        CHECK(none.port() == 0);
        CHECK(none.to_string().empty());
        CHECK(none == socket_address());
    }
    TEST_CASE("socket_address: what the system hands out is equal to what was given to it") {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(80);
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::memset(v4.sin_zero, 0x55, sizeof v4.sin_zero);
        CHECK(socket_address(&v4, sizeof v4) == socket_address::parse("127.0.0.1:80"));
        sockaddr_un path{};
        path.sun_family = AF_UNIX;
        std::strcpy(path.sun_path, "/tmp/x");
        // With and without the zero byte, and as large as it can be.
        for (const std::size_t size :
             {offsetof(sockaddr_un, sun_path) + 6, offsetof(sockaddr_un, sun_path) + 7, sizeof path})
            CHECK(socket_address(&path, size) == socket_address::unix_path("/tmp/x"));
        const socket_address unnamed(&path, sizeof path.sun_family);
        CHECK(unnamed.is_unix());
        CHECK(unnamed.to_string().empty());
    }
    TEST_CASE("socket_address: different ones are unequal, and have an order and a hash for containers") {
        std::set<socket_address> ordered;
        std::unordered_set<socket_address> hashed;
        for (int round = 0; round != 2; ++round) {
            for (const char* text : {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80", "[::2]:80"}) {
                ordered.insert(*socket_address::parse(text));
                hashed.insert(*socket_address::parse(text));
            }
            ordered.insert(*socket_address::unix_path("x"));
            ordered.insert(*socket_address::unix_abstract("x"));
        }
        CHECK(ordered.size() == 7);
        CHECK(hashed.size() == 5);
    }
}

// SPDX-License-Identifier: MIT
#include "pollux/net/errc.hpp"

#include <doctest/doctest.h>
#include <netdb.h>

#include <ostream>
#include <string>
#include <system_error>

TEST_SUITE("net/errc") {
    TEST_CASE("net::errc: is an error_code with a message, and an invalid argument") {
        const std::error_code bad = pollux::net::errc::bad_address;
        CHECK(bad.category() == pollux::net::error_category());
        CHECK(std::string(bad.category().name()) == "pollux.net");
        CHECK(bad.message().find("127.0.0.1:80") != std::string::npos);
        CHECK(bad == std::errc::invalid_argument);
        CHECK(std::error_code(pollux::net::errc::bad_path).message().find("107") != std::string::npos);
        CHECK(std::error_code(99, pollux::net::error_category()).message() == "unknown error of pollux::net");
    }
    TEST_CASE("net::resolve_category: has getaddrinfo's texts, and conditions where there are some") {
        const auto& category = pollux::net::resolve_category();
        CHECK(std::string(category.name()) == "pollux.resolve");
        CHECK(std::error_code(EAI_NONAME, category).message() == ::gai_strerror(EAI_NONAME));
        CHECK(std::error_code(EAI_AGAIN, category) == std::errc::resource_unavailable_try_again);
        CHECK(std::error_code(EAI_MEMORY, category) == std::errc::not_enough_memory);
        CHECK(std::error_code(EAI_NONAME, category) != std::errc::invalid_argument);
    }
}

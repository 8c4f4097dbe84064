// SPDX-License-Identifier: MIT
#include "pollux/core/version.hpp"

#include <doctest/doctest.h>

#include <string>

TEST_SUITE("core/version") {
    TEST_CASE("version: the library gives the version of the headers it was built from") {
        const auto of_headers = std::to_string(POLLUX_VERSION_MAJOR) + "." + std::to_string(POLLUX_VERSION_MINOR) +
                                "." + std::to_string(POLLUX_VERSION_PATCH);
        CHECK(of_headers == pollux::version());
    }
}

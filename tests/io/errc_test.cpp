// SPDX-License-Identifier: MIT
#include "pollux/io/errc.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <system_error>

using pollux::io::errc;

TEST_SUITE("io/errc") {
    TEST_CASE("errc: converts to an error code of its own category and compares with one") {
        const std::error_code code = errc::line_too_long;
        CHECK(code == errc::line_too_long);
        CHECK(code != errc::frame_too_long);
        CHECK(code.category() == pollux::io::error_category());
        CHECK(std::string(code.category().name()) == "pollux.io");
        CHECK(static_cast<bool>(code));
        CHECK(code != std::make_error_code(std::errc::operation_not_permitted));
    }
    TEST_CASE("errc: each has a message of its own, and an unknown number has one, too") {
        const auto text = [](errc error) { return make_error_code(error).message(); };
        CHECK(text(errc::unexpected_end) == "the stream ended before everything that was expected had come");
        CHECK(text(errc::write_zero) == "the stream took none of the bytes that were to be written");
        CHECK(text(errc::line_too_long) == "a line is longer than the limit of its codec");
        CHECK(text(errc::frame_too_long) == "a frame is longer than the limit of its codec");
        CHECK(text(errc(99)) == "unknown error of pollux::io");
    }
}

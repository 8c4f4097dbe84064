// SPDX-License-Identifier: MIT
// The text of a result line and of a name in a message. sum_test.py compares both with the real sha256sum.

#include "sha256_line.hpp"

#include "file_group.hpp"

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace pollux_tool;

std::string line_of(std::string_view path) {
    sha256_digest digest{};
    digest.front() = std::byte{0x0f};
    digest.back() = std::byte{0xa1};
    std::string out = "before\n";
    append_sha256_line(out, digest, path);
    return out.substr(7);
}

const std::string hex = "0f" + std::string(60, '0') + "a1";

TEST_SUITE("tools/sha256_line") {
    TEST_CASE("append_sha256_line: digest, two spaces, the name, a line end") {
        CHECK(line_of("a/b c") == hex + "  a/b c\n");
        CHECK(line_of("") == hex + "  \n");
    }

    TEST_CASE("append_sha256_line: a backslash, a line feed or a carriage return marks the line and is escaped") {
        CHECK(line_of("a\\b") == "\\" + hex + "  a\\\\b\n");
        CHECK(line_of("a\nb") == "\\" + hex + "  a\\nb\n");
        CHECK(line_of("a\rb\\n") == "\\" + hex + "  a\\rb\\\\n\n");
    }

    TEST_CASE("append_sha256_line: every other byte stays as it is") {
        for (int byte = 1; byte < 256; ++byte) {
            if (byte == '\\' || byte == '\n' || byte == '\r') continue;
            CAPTURE(byte);
            const std::string name(1, static_cast<char>(byte));
            CHECK(line_of(name) == hex + "  " + name + "\n");
        }
    }

    TEST_CASE("quoted: nothing is left that ends the line or that a terminal obeys") {
        CHECK(quoted("a b") == "\"a b\"");
        CHECK(quoted("a\nb\"c\\") == "\"a\\nb\\\"c\\\\\"");
        CHECK(quoted("\x1b[31m\x7f") == "\"\\x1b[31m\\x7f\"");
        CHECK(quoted("\xc3\xa9") == "\"\xc3\xa9\"");
    }
}

}  // namespace

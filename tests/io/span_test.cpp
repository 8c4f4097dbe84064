// SPDX-License-Identifier: MIT
#include "pollux/io/span.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

using pollux::io::const_span;
using pollux::io::span;

TEST_SUITE("io/span") {
    TEST_CASE("span: comes from any contiguous range of bytes that may be written") {
        std::string text = "abc";
        std::vector<unsigned char> numbers(4);
        std::array<std::byte, 5> bytes{};
        char raw[6] = {};
        CHECK(span(text).data() == text.data());
        CHECK(span(text).size() == 3);
        CHECK(static_cast<void*>(span(numbers).data()) == numbers.data());
        CHECK(span(numbers).size() == 4);
        CHECK(span(bytes).size() == 5);
        CHECK(span(raw).size() == 6);
        CHECK(span(std::span<std::byte>(bytes).first(2)).size() == 2);
        CHECK(span().empty());
        static_assert(std::is_convertible_v<std::string&, span>);
        static_assert(!std::is_convertible_v<const std::string&, span>);
        static_assert(!std::is_convertible_v<std::string_view, span>);
        static_assert(!std::is_convertible_v<std::vector<int>&, span>);
        static_assert(!std::is_convertible_v<const_span, span>);
        static_assert(!std::is_convertible_v<int, span>);
    }
    TEST_CASE("const_span: comes from those, from constant ones and from a span") {
        const std::vector<std::byte> bytes(3);
        std::string text = "abcd";
        CHECK(const_span(bytes).size() == 3);
        CHECK(const_span(text).data() == text.data());
        CHECK(const_span(std::string_view(text)).size() == 4);
        CHECK(const_span(span(text)).size() == 4);
        CHECK(const_span().empty());
        static_assert(!std::is_convertible_v<const char*, const_span>);
        static_assert(!std::is_convertible_v<const std::vector<int>&, const_span>);
    }
    TEST_CASE("const_span: a literal is its text, an array that may be written is all of it") {
        char buffer[4] = {'a', 'b', 'c', '\0'};
        const char unended[2] = {'a', 'b'};
        CHECK(const_span("abc").size() == 3);
        CHECK(const_span("").empty());
        CHECK(const_span("a\0b").size() == 3);
        CHECK(const_span(buffer).size() == 4);
        CHECK(const_span(unended).size() == 2);
    }
    TEST_CASE("span: subspan leaves out the front, begin and end are its bounds") {
        std::string text = "abcde";
        CHECK(std::string(span(text).subspan(2).begin(), span(text).end()) == "cde");
        CHECK(std::string(const_span(text).subspan(4).begin(), const_span(text).end()) == "e");
        CHECK(span(text).subspan(5).empty());
    }
}

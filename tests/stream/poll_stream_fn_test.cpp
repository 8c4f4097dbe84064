// SPDX-License-Identifier: MIT
#include "pollux/stream/poll_stream_fn.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "pollux/core/context.hpp"
#include "support/drain.hpp"

TEST_SUITE("stream/poll_stream_fn") {
    TEST_CASE("poll_stream_fn: each poll is a call") {
        int calls = 0;
        auto source = pollux::poll_stream_fn([&calls](pollux::context&) -> pollux::polled<std::optional<std::string>> {
            if (calls == 2) return std::nullopt;
            return std::to_string(++calls);
        });
        static_assert(std::is_same_v<decltype(source)::value_type, std::string>);
        CHECK(calls == 0);
        CHECK(pollux::test::drain(source) == std::vector<std::string>{"1", "2"});
    }
}

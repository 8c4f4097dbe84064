// SPDX-License-Identifier: MIT
// The items of a stream that is always ready, for tests.
#pragma once

#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/testing/poll.hpp"

namespace pollux::test {

/// Polls to the end. Throws: assertion_failed if a poll is pending.
template <class S>
std::vector<typename S::value_type> drain(S& source) {
    std::vector<typename S::value_type> items;
    while (auto item = testing::assert_ready(testing::poll_once(source))) items.push_back(*std::move(item));
    return items;
}

}  // namespace pollux::test

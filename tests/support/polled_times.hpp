// SPDX-License-Identifier: MIT
// A future that is given up after a number of polls: for tests that drop at every point.
#pragma once

#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"

namespace pollux::test {

/// Polls `fut` at most so many times, one after the other, and asks for the next poll itself. Ready with whether `fut` was. The value of
/// that is dropped, its exception passes.
template <class F>
class [[nodiscard]] polled_times {
public:
    using value_type = bool;
    using error_type = never;

    polled_times(F fut, int times) : fut_(std::move(fut)), left_(times) {}

    polled<bool> poll(context& cx) {
        if (left_-- == 0) return false;
        if (fut_.poll(cx).is_ready()) return true;
        cx.waker().wake();
        return pending;
    }

private:
    F fut_;
    int left_;
};

}  // namespace pollux::test

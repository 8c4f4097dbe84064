// SPDX-License-Identifier: MIT
// Keeps reports from flooding whoever reads them. Called by the watchdog.
#pragma once

#include <chrono>
#include <utility>

namespace pollux::inline v0::detail {

/// A burst of ten, then one a second. Threads: one.
class report_limit {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// False: it is left out, and counted.
    bool admits(time_point now) noexcept {
        const auto passed = std::chrono::floor<std::chrono::seconds>(now - counted_until_);
        if (passed >= std::chrono::seconds(burst - left_)) {
            left_ = burst;
            counted_until_ = now;
        } else {
            left_ += static_cast<int>(passed.count());
            counted_until_ += passed;
        }
        if (left_ == 0) {
            ++left_out_;
            return false;
        }
        --left_;
        return true;
    }
    /// How many were left out since it was last asked.
    unsigned long take_left_out() noexcept { return std::exchange(left_out_, 0); }

private:
    static constexpr int burst = 10;

    time_point counted_until_{};
    int left_ = burst;
    unsigned long left_out_ = 0;
};

}  // namespace pollux::inline v0::detail

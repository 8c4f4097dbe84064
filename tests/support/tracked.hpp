// SPDX-License-Identifier: MIT
// A value whose living objects are counted, for tests that ask whether everything was destroyed, and when.
#pragma once

#include <atomic>
#include <utility>

namespace pollux::test {

class tracked {
public:
    explicit tracked(std::atomic<int>& alive) noexcept : alive_(&alive) { ++*alive_; }
    tracked(tracked&& other) noexcept : alive_(std::exchange(other.alive_, nullptr)) {}
    tracked& operator=(tracked&& other) noexcept {
        std::swap(alive_, other.alive_);
        return *this;
    }
    ~tracked() {
        if (alive_ != nullptr) --*alive_;
    }

private:
    std::atomic<int>* alive_;
};

}  // namespace pollux::test

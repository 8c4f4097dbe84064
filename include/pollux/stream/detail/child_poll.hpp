// SPDX-License-Identifier: MIT
// One poll of a child that has a waker of its own, in child_wakers or child_groups.
#pragma once

#include <cstddef>

#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

/// The waker of a child for one poll of it: not counted, so it ends with the poll.
class child_poll {
public:
    template <class Wakers>
    child_poll(const Wakers& wakers, std::size_t index) noexcept : waker_(wakers.uncounted(index)) {}
    child_poll(const child_poll&) = delete;
    child_poll& operator=(const child_poll&) = delete;
    ~child_poll() { waker_.forget(); }

    const pollux::waker& waker() const noexcept { return waker_; }

private:
    pollux::waker waker_;
};

}  // namespace pollux::inline v0::detail

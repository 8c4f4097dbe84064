// SPDX-License-Identifier: MIT
// The stream or sink of a future that asks it for one thing: `next`, `select_next_some`, `peek`, a channel's `recv`, `send`, `flush`,
// `close`.
//
// One that is used where it is stands here as a pointer. A debug build writes down here when the future is over, and stops at the next
// poll, which would take another item, or send none.
#pragma once

#include <memory>
#include <utility>

namespace pollux::inline v0::detail {

template <class X>
class target {
public:
    explicit target(X&& owned) : owned_(std::move(owned)) {}

    X* operator->() noexcept { return std::addressof(owned_); }
    X& operator*() noexcept { return owned_; }
    void end() noexcept { is_over_ = true; }
    bool is_over() const noexcept { return is_over_; }

private:
    X owned_;
    bool is_over_ = false;
};

template <class X>
class target<X&> {
public:
    explicit target(X& lent) noexcept : lent_(std::addressof(lent)) {}

    X* operator->() noexcept { return lent_; }
    X& operator*() noexcept { return *lent_; }
    void end() noexcept { lent_ = nullptr; }
    bool is_over() const noexcept { return lent_ == nullptr; }

private:
    X* lent_;
};

}  // namespace pollux::inline v0::detail

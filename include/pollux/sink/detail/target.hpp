// SPDX-License-Identifier: MIT
// The sink of a future that asks it for one thing: `send`, `flush`, `close`.
//
// A sink that is used where it is stands here as a pointer, and none there means that the future is over: a debug build takes it away
// then, and stops at the next poll. One that is owned leaves no place to write that; there a poll after the end is the sink's to
// notice.
#pragma once

#include <memory>
#include <utility>

namespace pollux::inline v0::detail {

template <class K>
class target {
public:
    explicit target(K&& sink) : sink_(std::move(sink)) {}

    K* operator->() noexcept { return std::addressof(sink_); }
    K& operator*() noexcept { return sink_; }
    void end() noexcept {}
    bool is_over() const noexcept { return false; }

private:
    K sink_;
};

template <class K>
class target<K&> {
public:
    explicit target(K& sink) noexcept : sink_(std::addressof(sink)) {}

    K* operator->() noexcept { return sink_; }
    K& operator*() noexcept { return *sink_; }
    void end() noexcept { sink_ = nullptr; }
    bool is_over() const noexcept { return sink_ == nullptr; }

private:
    K* sink_;
};

}  // namespace pollux::inline v0::detail

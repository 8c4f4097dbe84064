// SPDX-License-Identifier: MIT
// What a task can ask about itself, and how it lets others go first.
#pragma once

#include <optional>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/task_header.hpp"

namespace pollux::inline v0 {

namespace detail {

class [[nodiscard]] yield_future {
public:
    using value_type = void;
    using error_type = never;

    yield_future() noexcept = default;
    polled<> poll(context& cx) noexcept {
        if (has_yielded_) return polled<>::ready();
        has_yielded_ = true;
        cx.waker().wake();
        return pending;
    }

private:
    bool has_yielded_ = false;
};

}  // namespace detail

/// A future that is pending once and wakes its task at once: the task goes to the back of the run queue, where thieves see it.
///
/// Cancel: nothing is lost.
/// Cost: no allocation; one poll more.
inline detail::yield_future yield_now() noexcept { return {}; }

/// The id of the task that this thread is polling, or whose future it is destroying. Nothing elsewhere, also in block_on.
POLLUX_API std::optional<task_id> current_task_id() noexcept;

}  // namespace pollux::inline v0

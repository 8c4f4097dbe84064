// SPDX-License-Identifier: MIT
// Children of a fork inside a task_local's scope: they become tasks, whose polls begin without locals, and see those of their parent
// by one more frame around each. Only there: a fork without locals pays nothing. Called by fork_join.hpp before fork_fallback.
//
// The parent, and with it the scopes around it, outlives its children; so a pointer to the innermost will do.
#pragma once

#include <optional>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/task_locals.hpp"
#include "pollux/coro/into_task.hpp"
#include "pollux/coro/task.hpp"

namespace pollux::inline v0::detail {

// Polls and destroys a future with these locals in place.
template <class F>
class [[nodiscard]] with_locals_future {
public:
    using value_type = typename F::value_type;
    using error_type = typename F::error_type;

    with_locals_future(F fut, const local_link* locals) noexcept : locals_(locals), fut_(std::move(fut)) {}
    with_locals_future(with_locals_future&&) noexcept = default;
    with_locals_future& operator=(with_locals_future&&) = delete;
    ~with_locals_future() {
        call_with_locals(locals_, nullptr, [this] { fut_.reset(); });
    }

    polled<value_type, error_type> poll(context& cx) {
        return call_with_locals(locals_, &cx, [this, &cx] { return fut_->poll(cx); });
    }

private:
    const local_link* locals_;
    std::optional<F> fut_;  // destroyed by hand
};

/// Children of a fork below this poll have to take its locals along.
inline bool fork_takes_locals() noexcept {
    const execution& self = *current_execution;
    return self.locals != nullptr && self.current->runtime() != nullptr;
}

/// Puts the frame of a child that was not started behind one that brings the locals. Throws: std::bad_alloc; the child is destroyed
/// then and `frame` is null.
template <class T, class E>
void take_locals_along(void*& frame) {
    auto child = task<T, E>::adopt(std::exchange(frame, nullptr));
    frame = detail::into_task(with_locals_future<task<T, E>>(std::move(child), current_execution->locals)).release();
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The same scheduler without worker threads: whoever calls block_on or poll_once is the worker meanwhile.
#pragma once

#include <cstddef>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/runtime/metrics.hpp"
#include "pollux/runtime/options.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"

namespace pollux::inline v0 {

namespace detail {

/// Drives the runtime on this thread until `poll` answers true; `poll` is called whenever its waker was called.
POLLUX_API void drive_current_thread(runtime_core& core, bool (*poll)(void*, context&), void* argument);

}  // namespace detail

/// A runtime whose tasks are polled by the thread that calls block_on, run_until_stalled or poll_once; between such calls
/// nothing runs. Options about workers have no meaning here.
///
/// Threads: one at a time drives it. A second one in block_on polls its own future meanwhile, and drives when the first has left; in
/// the other calls that drive it waits for its turn; but one of the runtime's own jobs waits for a poll_once only, since all
/// others may wait for that job. spawn, handle and metrics from any.
class POLLUX_API current_thread_runtime {
public:
    /// Throws: std::invalid_argument for senseless options.
    explicit current_thread_runtime(runtime_options options = {});
    current_thread_runtime(const current_thread_runtime&) = delete;
    current_thread_runtime& operator=(const current_thread_runtime&) = delete;
    /// Destroys the tasks that are left, on this thread.
    ~current_thread_runtime();

    /// Polls `work` and all tasks on this thread until `work` is ready, in turns: a poll of `work` has the budget of a
    /// task's. Tasks that are left go on at the next call.
    ///
    /// Throws: what the work throws; std::system_error(resource_deadlock_would_occur) inside one of its own tasks.
    template <class F>
    decltype(auto) block_on(F&& work) {
        return detail::with_future(std::forward<F>(work), [this](auto& fut) { return this->block_on_future(fut); });
    }
    /// As runtime::spawn. Nothing runs before the next call that drives.
    template <class F>
    auto spawn(F&& work, std::source_location where = std::source_location::current()) {
        return detail::spawn_on(detail::spawn_target(*core_), std::forward<F>(work), where);
    }
    /// Fires the sleeps that are due and polls tasks until none is ready; never sleeps. Returns the number of polls. It goes on
    /// for a task that wakes itself.
    ///
    /// Throws: std::system_error(resource_deadlock_would_occur) inside one of its own tasks, and in one of its jobs while another thread
    /// drives it by anything but poll_once, or ends it: use block_on there.
    std::size_t run_until_stalled();
    /// One turn: fires the sleeps that are due and polls once what is ready now. Returns the number of polls. For driving
    /// from somebody else's loop. Throws: as run_until_stalled.
    std::size_t poll_once();
    runtime_handle handle() const noexcept { return runtime_handle(*core_); }
    /// As runtime::shutdown; tasks are destroyed on this thread. Throws also inside one of its own tasks.
    shutdown_report shutdown(std::chrono::nanoseconds grace);
    runtime_metrics metrics() const noexcept;

private:
    template <class F>
    outcome_of<F> block_on_future(F& fut) {
        struct call {
            F& fut;
            polled<typename F::value_type, typename F::error_type> answer{pending};
        } mine{fut};
        detail::drive_current_thread(
            *core_,
            [](void* argument, context& cx) {
                call& self = *static_cast<call*>(argument);
                self.answer = self.fut.poll(cx);
                return self.answer.is_ready();
            },
            &mine);
        return mine.answer.take();
    }

    detail::runtime_core* core_;
};

}  // namespace pollux::inline v0

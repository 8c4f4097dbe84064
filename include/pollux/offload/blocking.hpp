// SPDX-License-Identifier: MIT
// `blocking`: calls that block a thread, moved onto threads that exist for that. The pool is in lib/offload/blocking_pool.hpp.
#pragma once

#include <stop_token>
#include <type_traits>
#include <utility>

#include "pollux/offload/job.hpp"

namespace pollux::inline v0 {

/// A future of what `fn` returns, called on one of the runtime's blocking threads. Lazy: the call comes after the first poll.
///
/// The first job starts the first thread. Another one is added when a job has waited about a millisecond, up to
/// `runtime_options::max_blocking_threads`; so jobs that wait for each other still end, and short jobs share few threads. A thread
/// that has had nothing to do for `runtime_options::blocking_keep_alive` ends. If `fn` takes a std::stop_token, it is asked to
/// stop when the future is dropped, and when the runtime ends, by the thread that ends it: stop callbacks are called there. A running job
/// may outlive its future, so `fn` owns what it uses. It may spawn and block_on.
///
/// Errors: those of the `std::expected` that `fn` returns; a future that it returns is handed out as the value.
/// Throws: when polled, what `fn` throws; no_runtime outside a runtime; task_cancelled if the runtime ended before the call;
/// std::system_error if there is no thread and none can be had; std::bad_alloc.
/// Threads: `fn` is destroyed on the thread that called it, before the awaiter is woken. If it is never called, it is destroyed by
/// whoever drops the future, or by the thread that ends the runtime.
/// Cancel: a job that has not started never will, and its closure is destroyed at once; one that runs is asked to stop, and its
/// result is destroyed where it ends, or by the drop if it ends meanwhile. The end of the runtime waits for jobs that run.
/// Cost: one allocation for closure, result and waker. Jobs that wait are not bounded in number.
template <class Fn>
auto blocking(Fn fn) {
    static_assert(std::is_invocable_v<Fn&> || std::is_invocable_v<Fn&, std::stop_token>,
                  "pollux: blocking: the callable takes arguments; give one that takes none, or a std::stop_token");
    if constexpr (std::is_invocable_v<Fn&> || std::is_invocable_v<Fn&, std::stop_token>)
        return detail::job_future<Fn, detail::job_pool_kind::blocking>(std::move(fn));
}

}  // namespace pollux::inline v0

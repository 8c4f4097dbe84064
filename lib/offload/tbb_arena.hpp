// SPDX-License-Identifier: MIT
// oneTBB's arena for this folder. Thread sanitizer does not see what the oneTBB library orders, since that is not instrumented: it
// would take the hand-over of an enqueued function object for a race, and a suppression by name would hide all races of jobs, which
// run below the same frame. So the header's own functions are not instrumented either; our code is, and the two functions here tell
// it of the one order that it relies on.
#pragma once

#include "pollux/core/sync_policy.hpp"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)
#endif
#include <oneapi/tbb/task_arena.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

#if defined(POLLUX_THREAD_SANITIZER)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#endif

namespace pollux::inline v0::detail {

/// Before a function object that uses `what` is enqueued.
inline void before_enqueue([[maybe_unused]] void* what) noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
    __tsan_release(what);
#endif
}
/// First in that function object.
inline void in_enqueued([[maybe_unused]] void* what) noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
    __tsan_acquire(what);
#endif
}

}  // namespace pollux::inline v0::detail

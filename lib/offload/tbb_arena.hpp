// SPDX-License-Identifier: MIT
// oneTBB's arena for this folder. Thread sanitizer does not see what the oneTBB library orders, since that is not instrumented: it
// would take the hand-over of an enqueued function object for a race, and a suppression by name would hide all races of jobs, which
// run below the same frame. So the source that makes the function object is not instrumented either; our code is, and the two
// functions here tell it of the one order that it relies on.
#pragma once

#include <oneapi/tbb/task_arena.h>

#include "pollux/core/sync_policy.hpp"

#if defined(POLLUX_THREAD_SANITIZER)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#endif

namespace pollux::inline v0::detail {

/// Has a thread of `arena` call `run(self)`, which does not throw. Throws what oneTBB throws: std::bad_alloc, std::runtime_error if the
/// system refused it a thread. It does that behind the enqueueing, too, with what was enqueued left behind: then this throws only if nobody
/// has come to that yet, and nobody will call `run`.
void enqueue_in(oneapi::tbb::task_arena& arena, void (*run)(void* self), void* self);

/// Has a thread of `arena` come and go. Throws: as above.
void enqueue_nothing_in(oneapi::tbb::task_arena& arena);

/// Before a call that uses `what` is enqueued.
inline void before_enqueue([[maybe_unused]] void* what) noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
    __tsan_release(what);
#endif
}
/// First in that call.
inline void in_enqueued([[maybe_unused]] void* what) noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
    __tsan_acquire(what);
#endif
}

}  // namespace pollux::inline v0::detail

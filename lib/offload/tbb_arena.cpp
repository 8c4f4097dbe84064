// SPDX-License-Identifier: MIT
// Never instrumented; see tbb_arena.hpp.
#include "offload/tbb_arena.hpp"

namespace pollux::inline v0::detail {

void enqueue_in(oneapi::tbb::task_arena& arena, void (*run)(void* self), void* self) {
    arena.enqueue([run, self] { run(self); });
}

}  // namespace pollux::inline v0::detail

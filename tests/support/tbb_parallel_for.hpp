// SPDX-License-Identifier: MIT
// oneTBB's parallel_for for tests. Thread sanitizer does not see what the oneTBB library orders, since that is not instrumented: it
// takes what the header's templates hand on through it for races. So they are not instrumented either. A body that they run is:
// it must not read what the thread that called parallel_for wrote before, its captures included.
#pragma once

#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)
#endif
#include <oneapi/tbb/parallel_for.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif

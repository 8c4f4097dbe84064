// SPDX-License-Identifier: MIT
// Coroutines: task, async_stream, try_, fork_join and fork_all, and `next`, for their loop over a stream.
#pragma once

#include "pollux/core.hpp"
#include "pollux/coro/async_stream.hpp"
#include "pollux/coro/fork_all.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/stream/next.hpp"

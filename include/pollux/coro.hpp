// SPDX-License-Identifier: MIT
// Coroutines: task, try_, fork_join and fork_all.
#pragma once

#include "pollux/core.hpp"
#include "pollux/coro/fork_join.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"

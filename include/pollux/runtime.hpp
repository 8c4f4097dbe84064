// SPDX-License-Identifier: MIT
// The runtime: spawn, join handles, block_on, run, cancellation tokens, and what tasks can ask about themselves.
#pragma once

#include "pollux/core.hpp"
#include "pollux/coro.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/runtime/join_set.hpp"
#include "pollux/runtime/long_poll.hpp"
#include "pollux/runtime/metrics.hpp"
#include "pollux/runtime/options.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/spawn.hpp"
#include "pollux/runtime/task_local.hpp"
#include "pollux/runtime/task_scope.hpp"
#include "pollux/runtime/unconstrained.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/sync/cancellation_token.hpp"

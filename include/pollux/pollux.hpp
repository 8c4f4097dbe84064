// SPDX-License-Identifier: MIT
// Everything that a program may use, but the test helpers.
#pragma once

#include "pollux/core.hpp"
#include "pollux/coro.hpp"
#include "pollux/fs.hpp"
#include "pollux/future.hpp"
#include "pollux/io.hpp"
#include "pollux/net.hpp"
#include "pollux/offload.hpp"
#include "pollux/process.hpp"
#include "pollux/runtime.hpp"
#include "pollux/signal.hpp"
#include "pollux/sink.hpp"
#include "pollux/stream.hpp"
#include "pollux/sync.hpp"
#include "pollux/time.hpp"

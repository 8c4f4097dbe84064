// SPDX-License-Identifier: MIT
// Work off the event loop: `offload` for what needs a CPU, `blocking` for what waits inside a call, `block_in_place` for what does and
// borrows from its task; and the no_runtime that they throw.
#pragma once

#include "pollux/offload/block_in_place.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/time/clock.hpp"

// SPDX-License-Identifier: MIT
// Work off the event loop: `offload` for what needs a CPU, `blocking` for what waits inside a call.
#pragma once

#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/time/clock.hpp"

// SPDX-License-Identifier: MIT
// Clocks and sleeps, what takes a duration, and the no_runtime that they throw.
#pragma once

#include "pollux/runtime/errors.hpp"
#include "pollux/time/clock.hpp"
#include "pollux/time/interval.hpp"
#include "pollux/time/sleep.hpp"
#include "pollux/time/throttle.hpp"
#include "pollux/time/timed_out.hpp"
#include "pollux/time/timeout.hpp"

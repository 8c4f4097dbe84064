// SPDX-License-Identifier: MIT
// Clocks and sleeps, and what takes a duration.
#pragma once

#include "pollux/time/clock.hpp"
#include "pollux/time/interval.hpp"
#include "pollux/time/sleep.hpp"
#include "pollux/time/throttle.hpp"
#include "pollux/time/timed_out.hpp"
#include "pollux/time/timeout.hpp"

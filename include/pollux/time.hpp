// SPDX-License-Identifier: MIT
// Clocks and sleeps.
#pragma once

#include "pollux/time/clock.hpp"
#include "pollux/time/sleep.hpp"

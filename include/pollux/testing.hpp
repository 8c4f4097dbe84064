// SPDX-License-Identifier: MIT
// Help for tests of futures: everything in pollux/testing/.
#pragma once

#include "pollux/core.hpp"
#include "pollux/testing/poll.hpp"
#include "pollux/testing/sim_runtime.hpp"

// SPDX-License-Identifier: MIT
// Help for tests of futures: everything in pollux/testing/.
#pragma once

#include "pollux/core.hpp"
#include "pollux/testing/poll.hpp"

// SPDX-License-Identifier: MIT
// Child processes: starting them, talking to them through pipes, waiting for them.
#pragma once

#include "pollux/process/child.hpp"
#include "pollux/process/command.hpp"
#include "pollux/process/exit_status.hpp"
#include "pollux/process/pipe.hpp"

// SPDX-License-Identifier: MIT
// Signals of the operating system, as streams.
#pragma once

#include "pollux/signal/on.hpp"

// SPDX-License-Identifier: MIT
// Poll, future, stream, sink: the types and the contract that everything else is built on.
#pragma once

#include "pollux/core/block_on.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/version.hpp"
#include "pollux/core/waker.hpp"

// SPDX-License-Identifier: MIT
// Making and combining streams: everything in pollux/stream/, and of pollux/future/ what serves both.
#pragma once

#include "pollux/core.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/map.hpp"
#include "pollux/stream/boxed.hpp"
#include "pollux/stream/buffered.hpp"
#include "pollux/stream/iter.hpp"
#include "pollux/stream/map.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/stream/poll_stream_fn.hpp"
#include "pollux/stream/unfold.hpp"

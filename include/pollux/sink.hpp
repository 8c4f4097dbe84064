// SPDX-License-Identifier: MIT
// Sinks: sending into them and combining them: everything in pollux/sink/, and of pollux/future/ what serves sinks too.
#pragma once

#include "pollux/core.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/sink/buffer.hpp"
#include "pollux/sink/fanout.hpp"
#include "pollux/sink/flush.hpp"
#include "pollux/sink/forward.hpp"
#include "pollux/sink/send.hpp"
#include "pollux/sink/send_all.hpp"
#include "pollux/sink/sink_map_err.hpp"
#include "pollux/sink/split.hpp"
#include "pollux/sink/with.hpp"

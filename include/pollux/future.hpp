// SPDX-License-Identifier: MIT
// Making and combining futures: everything in pollux/future/.
#pragma once

#include "pollux/core.hpp"
#include "pollux/future/and_then.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/by_ref.hpp"
#include "pollux/future/catch_exception.hpp"
#include "pollux/future/flatten.hpp"
#include "pollux/future/flatten_stream.hpp"
#include "pollux/future/from_err.hpp"
#include "pollux/future/fuse.hpp"
#include "pollux/future/inspect.hpp"
#include "pollux/future/into_stream.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/lazy.hpp"
#include "pollux/future/map.hpp"
#include "pollux/future/or_else.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/future/ready.hpp"
#include "pollux/future/select.hpp"
#include "pollux/future/then.hpp"
#include "pollux/future/unwrap_or_else.hpp"

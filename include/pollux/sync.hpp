// SPDX-License-Identifier: MIT
// Between tasks: what a program needs to pass values and wake-ups from one task or thread to another. All of it works
// under any executor and from threads outside of a runtime.
#pragma once

#include "pollux/sync/async_mutex.hpp"
#include "pollux/sync/async_rw_lock.hpp"
#include "pollux/sync/atomic_waker.hpp"
#include "pollux/sync/barrier.hpp"
#include "pollux/sync/broadcast.hpp"
#include "pollux/sync/cancellation_token.hpp"
#include "pollux/sync/disconnected.hpp"
#include "pollux/sync/mpsc.hpp"
#include "pollux/sync/notify.hpp"
#include "pollux/sync/once_cell.hpp"
#include "pollux/sync/oneshot.hpp"
#include "pollux/sync/semaphore.hpp"
#include "pollux/sync/watch.hpp"

// SPDX-License-Identifier: MIT
// Ctrl-C as something to wait for, without a signal handler: SIGINT stays blocked and is read from a signalfd. An
// eventfd is polled beside it, so that the thread that waits can be called back. sum makes the one instance before the
// runtime starts its threads, which inherit the blocked signal, and waits in one job on `blocking`.

#pragma once

#include "descriptor.hpp"

#include <stop_token>

namespace pollux_tool {

class interrupt {
public:
    /// Blocks SIGINT on this thread and on those it starts, even if the process was started with SIGINT ignored (as a
    /// shell script's `command &` is): whoever sends it to this process means it.
    ///
    /// Throws: `std::system_error` where descriptors cannot be had.
    interrupt();

    /// Waits for SIGINT (true) or for `stop` (false). Blocks. Threads: one at a time.
    bool wait(const std::stop_token& stop) const;

private:
    descriptor signals_;
    descriptor stopped_;
};

}  // namespace pollux_tool

// SPDX-License-Identifier: MIT
#pragma once

#include "pollux/runtime/options.hpp"
#include "support/driver_options.hpp"

namespace pollux::test {

/// Options for a runtime with `n` workers, on the driver of the tests.
inline runtime_options workers(unsigned n) {
    runtime_options options = driver_options();
    options.workers = n;
    return options;
}

}  // namespace pollux::test

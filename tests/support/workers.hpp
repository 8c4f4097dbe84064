// SPDX-License-Identifier: MIT
#pragma once

#include "pollux/runtime/options.hpp"

namespace pollux::test {

/// Options for a runtime with `n` workers.
inline runtime_options workers(unsigned n) {
    runtime_options options;
    options.workers = n;
    return options;
}

}  // namespace pollux::test

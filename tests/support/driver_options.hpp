// SPDX-License-Identifier: MIT
// The driver that the tests of descriptors run on: the environment says which, and each of their programs is run once with each.
#pragma once

#include <cstdlib>
#include <string_view>

#include "pollux/runtime/options.hpp"

namespace pollux::test {

/// POLLUX_TEST_IO=uring: io_uring. Else the default.
inline io_driver driver_of_tests() {
    const char* const wanted = std::getenv("POLLUX_TEST_IO");
    return wanted != nullptr && std::string_view(wanted) == "uring" ? io_driver::uring : io_driver::epoll;
}

/// The default options on that driver.
inline runtime_options driver_options() {
    runtime_options options;
    options.io = driver_of_tests();
    return options;
}

/// What a runtime on that driver has open for it.
inline unsigned descriptors_of_reactor() { return driver_of_tests() == io_driver::uring ? 3 : 2; }

}  // namespace pollux::test

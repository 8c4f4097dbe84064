// SPDX-License-Identifier: MIT
// The same work in every kind of runtime: with 1, 2 and 4 workers and with none, on the thread that asks and as a task.
#pragma once

#include <doctest/doctest.h>

#include "pollux/runtime/current_thread_runtime.hpp"
#include "pollux/runtime/runtime.hpp"
#include "support/driver_options.hpp"
#include "support/workers.hpp"

namespace pollux::test {

/// `make` returns a task; each is to give `expected`.
template <class Make, class T>
void gives_everywhere(Make make, const T& expected) {
    for (const unsigned n : {1u, 2u, 4u}) {
        CAPTURE(n);
        runtime rt(workers(n));
        CHECK(rt.block_on(make()) == expected);
        CHECK(rt.block_on(rt.spawn(make())) == expected);
    }
    current_thread_runtime rt(driver_options());
    CHECK(rt.block_on(make()) == expected);
    CHECK(rt.block_on(rt.spawn(make())) == expected);
}

}  // namespace pollux::test

// SPDX-License-Identifier: MIT
// A project that is compiled as C++20, as Meson and CMake do with this compiler unless they are told.
// with: -std=c++20
// expect: pollux: needs C++23; compile with -std=c++23
#include "pollux/core.hpp"

// SPDX-License-Identifier: MIT
// Precompiled for the larger test programs; tests/meson.build names it. As with what it includes, no source relies on it.

#include <doctest/doctest.h>

#include "core/standard_library.hpp"

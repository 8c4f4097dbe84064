// SPDX-License-Identifier: MIT
// Precompiled for the larger test programs; tests/meson.build names it. A source never relies on it: each includes what it
// uses, since a program with few sources is built without it. No guard: it is compiled by itself and never included, and g++
// warns of one in a main file.

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

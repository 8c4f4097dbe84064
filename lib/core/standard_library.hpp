// SPDX-License-Identifier: MIT
// What most sources read of the standard library, precompiled: it is half of the time that one of the library takes to compile. A source
// never relies on it: each includes what it uses, and compiles with -Db_pch=false. No guard: it is compiled by itself, and g++ warns of one
// in a main file.

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <source_location>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

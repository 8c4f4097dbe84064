// SPDX-License-Identifier: MIT
// Runs a test's work on a thread with little stack, so that what must not nest cannot.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <utility>

namespace pollux::test {

// 64 nested calls of an unoptimised coroutine under a sanitizer take about half of it; a thousand do not fit.
inline constexpr std::size_t small_stack_bytes = 512 * 1024;

/// Returns what `fn` returns, or throws what it throws.
template <class Fn>
auto on_small_stack(Fn fn) {
    struct call {
        Fn& fn;
        decltype(fn()) result{};
        std::exception_ptr thrown;
    } mine{fn, {}, nullptr};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, small_stack_bytes);
    pthread_t thread;
    const int failure = pthread_create(
        &thread, &attributes,
        [](void* argument) -> void* {
            call& self = *static_cast<call*>(argument);
            try {
                self.result = self.fn();
            } catch (...) {
                self.thrown = std::current_exception();
            }
            return nullptr;
        },
        &mine);
    pthread_attr_destroy(&attributes);
    if (failure != 0) throw std::runtime_error("no thread");
    pthread_join(thread, nullptr);
    if (mine.thrown) std::rethrow_exception(std::move(mine.thrown));
    return std::move(mine.result);
}

}  // namespace pollux::test

// SPDX-License-Identifier: MIT
// What a lock-free template of this library takes as `Sync`: its atomics and fences. Production uses `std_sync`; the models
// in tests/model put a model checker's atomics in its place, so what is checked is what ships.
//
// A policy has
//   template <class T> atomic    as std::atomic
//   template <class T> cell      plain memory that a protocol must guard: load(), store()
//   full_fence()                 sequentially consistent, on both sides of a store-then-load race
//   light_fence() heavy_fence()  the same, asymmetric: light costs nothing, heavy interrupts every thread of the process.
//                                Use them only if is_asymmetric(); else full_fence() on both sides
//   short_lock                   lock(), unlock(): a mutual exclusion for a handful of instructions
//   stand_back()                 after a lost race for a word that who has won it may want again at once: a short pause, so that it
//                                need not come back from here between the two
//   yield_point(name)            nothing in production; a place where stress tests and simulations may switch
// Memory orders are spelt std::memory_order::x: the model checker's header turns the other spelling into macros.
#pragma once

#include <atomic>

#include "pollux/core/export.hpp"
#include "pollux/core/short_lock.hpp"

namespace pollux::inline v0::detail {

/// Registers the process for expedited membarrier once. False: this kernel refuses, use full fences. Threads: any.
POLLUX_API bool membarrier_is_available() noexcept;

/// membarrier(PRIVATE_EXPEDITED): every running thread of the process executes a full fence before this returns.
POLLUX_API void membarrier_all() noexcept;

#if defined(__SANITIZE_THREAD__)
#define POLLUX_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POLLUX_THREAD_SANITIZER 1
#endif
#endif

/// Thread sanitizer understands read-modify-writes and not fences: under it each fence is one on this word.
POLLUX_API void fence_for_thread_sanitizer() noexcept;

/// Pauses, unless this thread's heuristics say no. Threads: any.
[[gnu::cold]] POLLUX_API void stand_back() noexcept;

struct std_sync {
    template <class T>
    using atomic = std::atomic<T>;

    template <class T>
    class cell {
    public:
        cell() noexcept = default;
        explicit cell(T value) noexcept : value_(value) {}
        T load() const noexcept { return value_; }
        void store(T value) noexcept { value_ = value; }

    private:
        T value_{};
    };

    using short_lock = detail::short_lock;

    static void full_fence() noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
        fence_for_thread_sanitizer();
#elif defined(__x86_64__)
        // A locked read-modify-write on the stack: the mfence that atomic_thread_fence becomes makes a fork 2.6 times slower.
        asm volatile("lock orq $0, (%%rsp)" ::: "memory", "cc");
#else
        std::atomic_thread_fence(std::memory_order::seq_cst);
#endif
    }

    static void light_fence() noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
        fence_for_thread_sanitizer();
#else
        std::atomic_signal_fence(std::memory_order::seq_cst);
#endif
    }

    static void heavy_fence() noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
        fence_for_thread_sanitizer();
#else
        membarrier_all();
#endif
    }

    static void stand_back() noexcept { detail::stand_back(); }

    static void yield_point(const char*) noexcept {}
};

}  // namespace pollux::inline v0::detail

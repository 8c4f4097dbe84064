// SPDX-License-Identifier: MIT
// The pthread_create of a test program: the C library's, unless a test wants it to fail.
#include "support/process_state.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define POLLUX_PTHREAD_CREATE_IS_TAKEN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define POLLUX_PTHREAD_CREATE_IS_TAKEN 1
#endif
#endif

namespace {

constexpr int no_limit = std::numeric_limits<int>::max();
std::atomic<int> granted_threads = no_limit;

}  // namespace

#if defined(POLLUX_PTHREAD_CREATE_IS_TAKEN)

bool pollux::test::threads_can_be_refused() noexcept { return false; }
bool pollux::test::heap_can_be_measured() noexcept { return false; }

#else

bool pollux::test::threads_can_be_refused() noexcept { return true; }
bool pollux::test::heap_can_be_measured() noexcept { return true; }

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* argument) {
    static const auto original = reinterpret_cast<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>(
        dlsym(RTLD_NEXT, "pthread_create"));
    if (granted_threads.load() != no_limit && granted_threads.fetch_sub(1) <= 0) return EAGAIN;
    return original(thread, attributes, start, argument);
}

#endif

pollux::test::refused_threads::refused_threads(int granted) noexcept { granted_threads = granted; }
pollux::test::refused_threads::~refused_threads() { granted_threads = no_limit; }
int pollux::test::refused_threads::count() const noexcept { return std::max(0, -granted_threads.load()); }

// SPDX-License-Identifier: MIT
// The malloc of a test program: the C library's, and a count. Sanitizers have their own, which call a hook.
#include "support/heap_counter.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define POLLUX_COUNT_BY_HOOK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define POLLUX_COUNT_BY_HOOK 1
#endif
#endif

namespace {

thread_local constinit std::size_t by_this_thread = 0;
constinit std::atomic<std::size_t> by_all = 0;
thread_local constinit std::size_t given_back_here = 0;

void count() noexcept {
    ++by_this_thread;
    by_all.fetch_add(1, std::memory_order::relaxed);
}

}  // namespace

extern "C" {

#if defined(POLLUX_COUNT_BY_HOOK)

void __sanitizer_malloc_hook(const volatile void*, std::size_t) { count(); }
void __sanitizer_free_hook(const volatile void* block) {
    if (block != nullptr) ++given_back_here;
}

#else

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t bytes) {
    count();
    return __libc_malloc(bytes);
}
void* calloc(std::size_t n, std::size_t bytes) {
    count();
    return __libc_calloc(n, bytes);
}
void* realloc(void* block, std::size_t bytes) {
    count();
    return __libc_realloc(block, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
    count();
    return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
    *block = memalign(alignment, bytes);
    return *block != nullptr ? 0 : ENOMEM;
}

void free(void* block) {
    if (block != nullptr) ++given_back_here;
    __libc_free(block);
}

#endif
}

namespace pollux::test {

heap_counter::heap_counter() noexcept
    : mine_before_(::by_this_thread), all_before_(by_all.load()), given_before_(given_back_here) {}
std::size_t heap_counter::by_this_thread() const noexcept { return ::by_this_thread - mine_before_; }
std::size_t heap_counter::by_all_threads() const noexcept { return by_all.load() - all_before_; }
std::size_t heap_counter::given_back() const noexcept { return given_back_here - given_before_; }

}  // namespace pollux::test

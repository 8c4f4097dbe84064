// SPDX-License-Identifier: MIT
// The malloc of a test program: the C library's, a count, and now and then a refusal. Sanitizers have their own, which call a hook;
// address sanitizer lets us have operator new, which is enough to refuse.
#include "support/heap_counter.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <new>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define POLLUX_COUNT_BY_HOOK 1
#if !defined(__SANITIZE_THREAD__)
#define POLLUX_REFUSE_BY_NEW 1
#endif
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define POLLUX_COUNT_BY_HOOK 1
#if !__has_feature(thread_sanitizer)
#define POLLUX_REFUSE_BY_NEW 1
#endif
#endif
#endif

namespace {

thread_local constinit std::size_t by_this_thread = 0;
constinit std::atomic<std::size_t> by_all = 0;
thread_local constinit std::size_t given_back_here = 0;
constinit std::atomic<std::size_t> given_back_by_all = 0;
// Allocations until the one that is refused; below zero: it has been, or none is to be.
constexpr long nothing_to_refuse = std::numeric_limits<long>::min() / 2;
constinit std::atomic<long> until_refused = nothing_to_refuse;

void count() noexcept {
    ++by_this_thread;
    by_all.fetch_add(1, std::memory_order::relaxed);
}
void count_given_back() noexcept {
    ++given_back_here;
    given_back_by_all.fetch_add(1, std::memory_order::relaxed);
}
[[maybe_unused]] bool is_refused() noexcept {
    if (until_refused.load(std::memory_order::relaxed) < 0) return false;
    return until_refused.fetch_sub(1, std::memory_order::relaxed) == 0;
}

}  // namespace

extern "C" {

#if defined(POLLUX_COUNT_BY_HOOK)

void __sanitizer_malloc_hook(const volatile void*, std::size_t) { count(); }
void __sanitizer_free_hook(const volatile void* block) {
    if (block != nullptr) count_given_back();
}

#else

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* refuse() noexcept {
    errno = ENOMEM;
    return nullptr;
}

void* malloc(std::size_t bytes) {
    if (is_refused()) return refuse();
    count();
    return __libc_malloc(bytes);
}
void* calloc(std::size_t n, std::size_t bytes) {
    if (is_refused()) return refuse();
    count();
    return __libc_calloc(n, bytes);
}
void* realloc(void* block, std::size_t bytes) {
    if (is_refused()) return refuse();
    count();
    if (block != nullptr) given_back_by_all.fetch_add(1, std::memory_order::relaxed);
    return __libc_realloc(block, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
    if (is_refused()) return refuse();
    count();
    return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
    *block = memalign(alignment, bytes);
    return *block != nullptr ? 0 : ENOMEM;
}

void free(void* block) {
    if (block != nullptr) count_given_back();
    __libc_free(block);
}

#endif
}

#if defined(POLLUX_REFUSE_BY_NEW)

#include "support/operator_new.hpp"

void* pollux::test::allocate(std::size_t bytes, std::size_t alignment) {
    if (is_refused()) throw std::bad_alloc();
    return aligned_block(bytes, alignment);
}

#endif

namespace pollux::test {

heap_counter::heap_counter() noexcept
    : mine_before_(::by_this_thread), all_before_(by_all.load()), given_before_(given_back_here) {}
std::size_t heap_counter::by_this_thread() const noexcept { return ::by_this_thread - mine_before_; }
std::size_t heap_counter::by_all_threads() const noexcept { return by_all.load() - all_before_; }
std::size_t heap_counter::given_back() const noexcept { return given_back_here - given_before_; }

std::size_t blocks_in_use() noexcept { return by_all.load() - given_back_by_all.load(); }

refused_allocation::refused_allocation(std::size_t granted) noexcept { until_refused = static_cast<long>(granted); }
refused_allocation::~refused_allocation() { until_refused = nothing_to_refuse; }
bool refused_allocation::is_possible() noexcept {
#if defined(POLLUX_COUNT_BY_HOOK) && !defined(POLLUX_REFUSE_BY_NEW)
    return false;
#else
    return true;
#endif
}
bool refused_allocation::has_come() const noexcept { return until_refused.load() < 0; }

}  // namespace pollux::test

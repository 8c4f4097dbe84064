// SPDX-License-Identifier: MIT
// The operators new of a test program: malloc and a count for each thread. Thread sanitizer has its own that cannot
// be replaced; there its hook counts.
#include "support/allocation_counter.hpp"

#if defined(__SANITIZE_THREAD__)
#define POLLUX_COUNT_BY_HOOK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POLLUX_COUNT_BY_HOOK 1
#endif
#endif

namespace {

thread_local constinit std::size_t allocations = 0;

}  // namespace

#if defined(POLLUX_COUNT_BY_HOOK)

extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t) { ++allocations; }

#else

#include "support/operator_new.hpp"

void* pollux::test::allocate(std::size_t bytes, std::size_t alignment) {
    ++allocations;
    return aligned_block(bytes, alignment);
}

#endif

namespace pollux::test {

allocation_counter::allocation_counter() noexcept : before_(allocations) {}

std::size_t allocation_counter::count() const noexcept { return allocations - before_; }

}  // namespace pollux::test

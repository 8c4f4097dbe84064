// SPDX-License-Identifier: MIT
// The operators new of a test program: malloc and a count for each thread. Thread sanitizer has its own that cannot
// be replaced; there its hook counts.
#include "support/allocation_counter.hpp"

#include <cstdlib>
#include <new>

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

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
    ++allocations;
    // A size that is no multiple of the alignment is refused by some implementations.
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* const block = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](std::size_t bytes) { return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t bytes, std::align_val_t align) {
    return allocate(bytes, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t bytes, std::align_val_t align) {
    return allocate(bytes, static_cast<std::size_t>(align));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept try {
    return allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
} catch (...) {
    return nullptr;
}
void* operator new(std::size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept try {
    return allocate(bytes, static_cast<std::size_t>(align));
} catch (...) {
    return nullptr;
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

#endif

namespace pollux::test {

allocation_counter::allocation_counter() noexcept : before_(allocations) {}

std::size_t allocation_counter::count() const noexcept { return allocations - before_; }

}  // namespace pollux::test

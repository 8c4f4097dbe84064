// SPDX-License-Identifier: MIT
// Replaces the operators new and delete of a test program: included by one of its sources, which defines allocate().
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace pollux::test {

/// What all operators new come to. Throws: std::bad_alloc.
void* allocate(std::size_t bytes, std::size_t alignment);

/// From malloc's kin. Throws: std::bad_alloc.
inline void* aligned_block(std::size_t bytes, std::size_t alignment) {
    // A size that is no multiple of the alignment is refused by some implementations.
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* const block = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

}  // namespace pollux::test

void* operator new(std::size_t bytes) { return pollux::test::allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](std::size_t bytes) { return pollux::test::allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t bytes, std::align_val_t align) {
    return pollux::test::allocate(bytes, static_cast<std::size_t>(align));
}
void* operator new[](std::size_t bytes, std::align_val_t align) {
    return pollux::test::allocate(bytes, static_cast<std::size_t>(align));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept try {
    return pollux::test::allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
} catch (...) {
    return nullptr;
}
void* operator new(std::size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept try {
    return pollux::test::allocate(bytes, static_cast<std::size_t>(align));
} catch (...) {
    return nullptr;
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept try {
    return pollux::test::allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
} catch (...) {
    return nullptr;
}
void* operator new[](std::size_t bytes, std::align_val_t align, const std::nothrow_t&) noexcept try {
    return pollux::test::allocate(bytes, static_cast<std::size_t>(align));
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

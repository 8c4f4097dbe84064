// SPDX-License-Identifier: MIT
// Counts the blocks that a program asks for, for `pollux bench --counts`: preloaded (LD_PRELOAD), it stands in front of
// glibc's malloc and its kin, operator new of C++ and the allocator of Rust included, and prints `allocations N` on stderr
// when the program ends. Every thread counts; a block that only grows is one more.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>

extern "C" {

// glibc's own names of what stands behind malloc, so that nothing has to be looked up, which would allocate.
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

}  // extern "C"

namespace {

constinit std::atomic<unsigned long> allocations = 0;

// Relaxed: the number is read when the other threads have ended, or counts them up to some moment.
void count() { allocations.fetch_add(1, std::memory_order::relaxed); }

[[gnu::destructor]] void print() {
    char line[64];
    const int length =
        std::snprintf(line, sizeof line, "allocations %lu\n", allocations.load(std::memory_order::relaxed));
    static_cast<void>(::write(STDERR_FILENO, line, static_cast<std::size_t>(length)) < 0);
}

}  // namespace

extern "C" {

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

}  // extern "C"

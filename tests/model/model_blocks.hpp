// SPDX-License-Identifier: MIT
// What the models have for core/block_cache.hpp: memory from the model checker, which sees who uses a block that is free, and no caches.
// Included once a program, after relacy_sync.hpp: it defines what the library would, which the models do not link.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#include "pollux/core/block_cache.hpp"

// Relacy replaces the plain form only; this one must not reach the standard library's.
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

namespace pollux::inline v0::detail {
constinit thread_local block_cache* current_blocks = nullptr;
void* block_cache::fresh(std::size_t bytes) { return ::operator new(bytes); }
void block_cache::release(void* block) noexcept { ::operator delete(block); }
void* block_cache::take_elsewhere(std::size_t bytes) { return fresh(bytes); }
void* take_block_elsewhere(std::size_t bytes) noexcept { return block_cache::fresh(bytes); }
void fail_to_take_block() { std::abort(); }
void block_cache::put_batch_away(std::size_t) noexcept {}
}  // namespace pollux::inline v0::detail

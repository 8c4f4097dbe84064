// SPDX-License-Identifier: MIT
// The block behind child_groups.hpp in one piece of memory: its head, then the groups of children, then the places of the owner.
// A group is the node of up to 64 children in the list of the woken; it is as many bytes long, and the waker of a child points
// to the byte of its number.
#include "pollux/stream/detail/child_groups.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>

#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

namespace {

using bits = woken_groups<std_sync>::bits;

struct alignas(child_group_bytes) child_group : woken_groups<std_sync>::group {
    explicit child_group(group_block& owner) noexcept : block(owner) {}

    group_block& block;
};

static_assert(sizeof(child_group) == child_group_bytes);
static_assert(child_group_bytes == std::numeric_limits<bits>::digits);

child_group& group_of(void* child) noexcept {
    return *reinterpret_cast<child_group*>(reinterpret_cast<std::uintptr_t>(child) & ~(child_group_bytes - 1));
}
bits bit_of(void* child) noexcept {
    return bits{1} << (reinterpret_cast<std::uintptr_t>(child) & (child_group_bytes - 1));
}

void wake(void* child) noexcept {
    child_group& group = group_of(child);
    if (group.block.woken.push(group, bit_of(child))) group.block.parent.wake();
}

std::byte* round_up(std::byte* at, std::size_t alignment) noexcept {
    return at + (-reinterpret_cast<std::uintptr_t>(at) & (alignment - 1));
}

}  // namespace

group_block* group_block::make(std::size_t count, std::size_t bytes, std::size_t alignment) {
    const std::size_t align = alignment > alignof(group_block) ? alignment : alignof(group_block);
    if (count > (SIZE_MAX / 4) / (1 + bytes)) throw std::bad_alloc();
    const std::size_t groups = (count + child_group_bytes - 1) / child_group_bytes;
    // Where the groups begin is rounded up here: glibc takes a slower way for what is aligned to more than 16.
    const std::size_t at_most = sizeof(group_block) + (groups + 1) * child_group_bytes + align + count * bytes;
    void* const memory = ::operator new(at_most, std::align_val_t(align));
    std::byte* const first = round_up(static_cast<std::byte*>(memory) + sizeof(group_block), child_group_bytes);
    std::byte* const places = round_up(first + groups * child_group_bytes, align);
    auto* const only = groups == 1 ? reinterpret_cast<woken_groups<std_sync>::group*>(first) : nullptr;
    auto* const block = ::new (memory) group_block(only, first, places, align);
    for (std::byte* group = first; group != first + groups * child_group_bytes; group += child_group_bytes)
        ::new (static_cast<void*>(group)) child_group(*block);
    return block;
}

void group_block::free() noexcept {
    const std::size_t align = align_;
    // Groups have nothing to destroy.
    this->~group_block();
    ::operator delete(static_cast<void*>(this), std::align_val_t(align));
}

constinit const waker_table group_waker_table = {
    .clone = [](void* data) noexcept { group_of(data).block.count(); },
    .wake = [](void* data) noexcept { wake(data); },
    .wake_and_drop =
        [](void* data) noexcept {
            group_block& block = group_of(data).block;
            wake(data);
            block.drop();
        },
    .drop = [](void* data) noexcept { group_of(data).block.drop(); },
    .identity = [](const void* data) noexcept { return data; },
};

void child_groups::make(std::size_t count, std::size_t bytes, std::size_t alignment) {
    block_ = group_block::make(count, bytes, alignment);
    groups_ = block_->groups();
    places_ = block_->places();
}

child_groups::~child_groups() {
    if (block_ == nullptr) return;
    block_->parent.clear();
    block_->drop();
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The block behind child_wakers.hpp: a header, then the nodes, then the places of the owner, in one piece of memory.
// The waker of a child points to its node.
#include "pollux/stream/detail/child_wakers.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/core/waker_cell.hpp"
#include "pollux/stream/detail/woken_list.hpp"

namespace pollux::inline v0::detail {

namespace {

struct child_node : woken_list<std_sync>::node {
    explicit child_node(child_block& owner) noexcept : block(owner) {}

    child_block& block;
};

constexpr std::size_t round_up(std::size_t bytes, std::size_t alignment) noexcept {
    return (bytes + alignment - 1) / alignment * alignment;
}

}  // namespace

class child_block {
public:
    /// Throws: std::bad_alloc, also where the size has no number.
    static child_block* make(std::size_t count, std::size_t bytes, std::size_t alignment) {
        const std::size_t align = alignment > alignof(child_block) ? alignment : alignof(child_block);
        const std::size_t stride = round_up(bytes, align);
        if (count > (SIZE_MAX / 2) / (sizeof(child_node) + stride)) throw std::bad_alloc();
        const std::size_t places = round_up(sizeof(child_block) + count * sizeof(child_node), align);
        void* const memory = ::operator new(places + count * stride, std::align_val_t(align));
        return ::new (memory) child_block(count, places, stride, align);
    }

    child_block(const child_block&) = delete;
    child_block& operator=(const child_block&) = delete;

    void count() noexcept {
        owners_.fetch_add(1, std::memory_order::relaxed);  // made from a counted one, so it cannot reach zero meanwhile
    }
    void drop() noexcept {
        // Release: this owner's last use, for the acquire of the same line in whoever counts to zero and frees the
        // block.
        if (owners_.fetch_sub(1, std::memory_order::acq_rel) != 1) return;
        const std::size_t align = align_;
        // Nodes have nothing to destroy.
        this->~child_block();
        ::operator delete(static_cast<void*>(this), std::align_val_t(align));
    }

    void wake(child_node& child) noexcept {
        if (woken_.push(child)) parent_.wake();
    }

    void begin_poll(const waker& parent) noexcept {
        parent_.store(parent);
        woken_.begin_round();
    }
    void forget_parent() noexcept { static_cast<void>(parent_.take()); }

    bool has_woken() const noexcept { return woken_.peek() != nullptr; }
    std::size_t take_woken() noexcept {
        auto* const woken = static_cast<child_node*>(woken_.take());
        return woken == nullptr ? child_wakers::none : static_cast<std::size_t>(woken - nodes());
    }

    child_node* nodes() noexcept { return reinterpret_cast<child_node*>(this + 1); }
    std::byte* places() noexcept { return reinterpret_cast<std::byte*>(this) + places_; }
    std::size_t stride() const noexcept { return stride_; }

private:
    child_block(std::size_t count, std::size_t places, std::size_t stride, std::size_t align) noexcept
        : places_(places), stride_(stride), align_(align) {
        for (std::size_t i = 0; i != count; ++i) ::new (static_cast<void*>(nodes() + i)) child_node(*this);
    }
    ~child_block() = default;

    // Never changes.
    const std::size_t places_;  // bytes from here to the first place
    const std::size_t stride_;
    const std::size_t align_;
    // Any thread.
    std::atomic<std::size_t> owners_{1};
    waker_cell<waker, std_sync> parent_;
    woken_list<std_sync> woken_;
};

static_assert(sizeof(child_node) == child_node_bytes);
static_assert(alignof(child_block) >= alignof(child_node) && sizeof(child_block) % alignof(child_node) == 0);

constinit const waker_table child_waker_table = {
    .clone = [](void* data) noexcept { static_cast<child_node*>(data)->block.count(); },
    .wake =
        [](void* data) noexcept {
            auto& child = *static_cast<child_node*>(data);
            child.block.wake(child);
        },
    .wake_and_drop =
        [](void* data) noexcept {
            child_block& block = static_cast<child_node*>(data)->block;
            block.wake(*static_cast<child_node*>(data));
            block.drop();
        },
    .drop = [](void* data) noexcept { static_cast<child_node*>(data)->block.drop(); },
    .identity = [](const void* data) noexcept { return data; },
};

child_wakers::child_wakers(std::size_t count, std::size_t bytes, std::size_t alignment)
    : block_(child_block::make(count, bytes, alignment)),
      nodes_(reinterpret_cast<std::byte*>(block_->nodes())),
      places_(block_->places()),
      stride_(block_->stride()) {}

child_wakers::~child_wakers() {
    if (block_ == nullptr) return;
    block_->forget_parent();
    block_->drop();
}

void child_wakers::begin_poll(const waker& parent) const noexcept { block_->begin_poll(parent); }

bool child_wakers::has_woken() const noexcept { return block_->has_woken(); }

std::size_t child_wakers::take_woken() const noexcept { return block_->take_woken(); }

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// What the ends of a broadcast channel share: the latest n values, and who waits for the next. Used by sync/broadcast.hpp, which copies
// the values; the code is in lib/sync/broadcast_channel.cpp. Calls wakers and destroys values, both outside of its lock.
//
// A value has a node: position `p` stands in cell `p % n` until the value n positions later takes that, or until every receiver that
// was there when it was sent has taken it. Under the lock a receiver only counts itself in as a reader of the node; it copies
// afterwards. The last receiver to take a node takes it out of the cell, and if nobody is copying at that moment, nobody will any
// more: it may move.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "pollux/core/export.hpp"
#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/sync/value_node.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::detail {

/// Its users: the cell, and each receiver that is copying.
class broadcast_node : public value_node {
    friend class broadcast_channel;

    // Guarded by the channel's lock.
    std::size_t to_come_ = 0;  // receivers that have not taken it
    broadcast_node* next_dropped_ = nullptr;

protected:
    using value_node::value_node;
    ~broadcast_node() = default;
};

/// Of one receiver; on the heap, for it stands in a list and the receiver may be moved. Guarded by the channel's lock.
struct broadcast_reader : waiter_links<waker> {
    std::uint64_t next = 0;  // position of the value that it takes next
};

enum class broadcast_view : unsigned char { empty, value, lagged, end };

struct broadcast_answer {
    broadcast_view view = broadcast_view::empty;
    broadcast_node* node = nullptr;  // value: drop() it after copying
    bool may_move = false;           // value: no other receiver will take it; ask is_mine_alone()
    std::uint64_t missed = 0;        // lagged
};

class POLLUX_API broadcast_channel {
public:
    /// With one sender. Throws: std::bad_alloc.
    explicit broadcast_channel(std::size_t capacity);
    broadcast_channel(const broadcast_channel&) = delete;
    broadcast_channel& operator=(const broadcast_channel&) = delete;
    ~broadcast_channel();

    void add_sender() noexcept;
    static void drop_sender(broadcast_channel* channel) noexcept;
    /// Takes `value`, and returns for how many receivers it is kept. None: it is destroyed.
    std::size_t send(broadcast_node* value) noexcept;

    /// Sees what is sent from now on.
    void add_receiver(broadcast_reader& reader) noexcept;
    static void drop_receiver(broadcast_channel* channel, broadcast_reader& reader) noexcept;
    /// What is next for this receiver, which has it then. Empty: `to_wake` will be woken.
    broadcast_answer take_or_wait(broadcast_reader& reader, const waker& to_wake) noexcept;

private:
    broadcast_answer take(broadcast_reader& reader) noexcept;
    void wake_all() noexcept;
    void drop_owner() noexcept;

    const std::size_t capacity_;
    const std::unique_ptr<broadcast_node*[]> cells_;
    std::atomic<std::size_t> owners_{1};  // senders and receivers
    std::atomic<std::size_t> senders_{1};
    // Guarded by the lock.
    short_lock lock_;
    std::uint64_t end_ = 0;  // position of the next value
    std::size_t receivers_ = 0;
    ring_links waiting_;
};

}  // namespace pollux::inline v0::detail

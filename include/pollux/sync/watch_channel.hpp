// SPDX-License-Identifier: MIT
// What the ends of a watch channel share: the newest value, its version, and who waits for a newer one. Used by sync/watch.hpp, which
// copies the values; the code is in lib/sync/watch_channel.cpp. Calls wakers and destroys values, both outside of its lock.
//
// The newest value is a node. Who reads it counts itself in under the lock and copies afterwards; who sends puts another node in its
// place. So a value never changes, and no code of the user runs under the lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pollux/core/export.hpp"
#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/sync/value_node.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::detail {

/// Of one receiver; on the heap, for it stands in a list and the receiver may be moved.
struct watch_reader : waiter_links<waker> {  // link and waker are guarded by the channel's lock
    explicit watch_reader(std::uint64_t version) noexcept : seen(version) {}
    watch_reader(const watch_reader& other) noexcept : seen(other.seen), is_first_due(other.is_first_due) {}

    std::uint64_t seen;        // the receiver's
    bool is_first_due = true;  // the receiver's: as a stream it has given nothing
};

/// One user's count of a node, and its version.
struct watch_view {
    value_node* node;
    std::uint64_t version;
};

enum class watch_news : unsigned char { none, changed, end };

class POLLUX_API watch_channel {
public:
    /// With one sender; takes `first` over.
    explicit watch_channel(value_node* first) noexcept : newest_(first) {}
    watch_channel(const watch_channel&) = delete;
    watch_channel& operator=(const watch_channel&) = delete;
    ~watch_channel() { newest_->drop(); }

    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // relaxed: the caller is counted
    static void drop_owner(watch_channel* channel) noexcept;
    void add_sender() noexcept;
    static void drop_sender(watch_channel* channel) noexcept;
    static void drop_receiver(watch_channel* channel, watch_reader& reader) noexcept;

    /// Takes `value` over.
    void store(value_node* value) noexcept;
    /// False: there is a newer one than `version`, and `value` is still the caller's.
    bool store_after(value_node* value, std::uint64_t version) noexcept;

    watch_view newest() noexcept;
    std::uint64_t version() const noexcept;

    /// Whether there is a newer value than the reader has seen. None: `to_wake` will be woken. A value that was sent comes before the end.
    watch_news look_or_wait(watch_reader& reader, const waker& to_wake) noexcept;
    /// It waits no longer.
    void withdraw(watch_reader& reader) noexcept;

private:
    void wake_all() noexcept;

    std::atomic<std::size_t> owners_{1};  // senders, receivers and their futures
    std::atomic<std::size_t> senders_{1};
    // Guarded by the lock.
    mutable short_lock lock_;
    value_node* newest_;
    std::uint64_t version_ = 0;
    ring_links waiting_;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The state of watch channels: storing, looking and leaving under one short lock.
//
// No wake-up is lost: a receiver looks and enters the list in one hold; who stores, or is the last sender to go, changes what it looks at
// before the hold in which the list is emptied.
#include "pollux/sync/watch_channel.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

namespace pollux::inline v0::detail {

void watch_channel::drop_owner(watch_channel* channel) noexcept {
    // Release: this owner's accesses; acquire: the others', before it is freed. Partner: this line.
    if (channel->owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete channel;
}

void watch_channel::add_sender() noexcept {
    senders_.fetch_add(1, std::memory_order::relaxed);  // relaxed: the caller is counted
    add_owner();
}

void watch_channel::drop_sender(watch_channel* channel) noexcept {
    // Release: what this sender has stored; pairs with the acquire in look_or_wait(). Acquire: so that the last one's wake-up comes
    // after what all have stored.
    if (channel->senders_.fetch_sub(1, std::memory_order::acq_rel) == 1) channel->wake_all();
    drop_owner(channel);
}

void watch_channel::drop_receiver(watch_channel* channel, watch_reader& reader) noexcept {
    channel->withdraw(reader);
    drop_owner(channel);
}

void watch_channel::withdraw(watch_reader& reader) noexcept {
    waker dropped;  // after the lock was given back
    const lock_scope guard(lock_);
    reader.leave();
    std::swap(reader.waker, dropped);
}

void watch_channel::store(value_node* value) noexcept {
    {
        const lock_scope guard(lock_);
        std::swap(newest_, value);
        ++version_;
    }
    value->drop();
    wake_all();
}

bool watch_channel::store_after(value_node* value, std::uint64_t version) noexcept {
    {
        const lock_scope guard(lock_);
        if (version_ != version) return false;
        std::swap(newest_, value);
        ++version_;
    }
    value->drop();
    wake_all();
    return true;
}

// Those who wait when it begins. Who comes to the list while wakers are called has seen what there was to see.
void watch_channel::wake_all() noexcept {
    wakers_to_call<waker> woken;
    ring_links all;
    for (bool is_first = true, is_left = true; is_left; is_first = false) {
        {
            const lock_scope guard(lock_);
            if (is_first) all.take_all_of(waiting_);
            while (!all.is_alone() && !woken.is_full()) woken.take(static_cast<watch_reader&>(all.first()));
            is_left = !all.is_alone();
        }
        woken.call();
    }
}

watch_view watch_channel::newest() noexcept {
    const lock_scope guard(lock_);
    newest_->add_user();
    return {newest_, version_};
}

std::uint64_t watch_channel::version() const noexcept {
    const lock_scope guard(lock_);
    return version_;
}

watch_news watch_channel::look_or_wait(watch_reader& reader, const waker& to_wake) noexcept {
    waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
    const lock_scope guard(lock_);
    if (version_ != reader.seen) return watch_news::changed;
    // Acquire: pairs with the release in drop_sender(): what was stored would be here.
    if (senders_.load(std::memory_order::acquire) == 0) return watch_news::end;
    std::swap(reader.waker, other);
    if (reader.is_alone()) waiting_.push_back(reader);
    return watch_news::none;
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The state of broadcast channels: sending, taking and leaving under one short lock.
//
// Invariants under the lock: the cells hold nodes of positions from end_ - capacity_ on; a node in a cell has receivers to come, and those
// are the receivers whose `next` is not after it. A receiver whose `next` is before the oldest position has lagged.
// No wake-up is lost: a receiver looks and enters the list in one hold; who sends, or is the last sender to go, changes what it looks at
// before it takes the lock, or in the hold in which it empties the list.
#include "pollux/sync/broadcast_channel.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace pollux::inline v0::detail {

broadcast_channel::broadcast_channel(std::size_t capacity)
    : capacity_(capacity), cells_(std::make_unique<broadcast_node*[]>(capacity)) {}

// Nobody is left: only values that no receiver took could be here, and the last of them took those out as it went.
broadcast_channel::~broadcast_channel() = default;

void broadcast_channel::add_sender() noexcept {
    // Relaxed: the caller is counted.
    senders_.fetch_add(1, std::memory_order::relaxed);
    owners_.fetch_add(1, std::memory_order::relaxed);
}

void broadcast_channel::drop_owner() noexcept {
    // Release: this owner's accesses; acquire: the others', before it is freed. Partner: this line.
    if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
}

void broadcast_channel::drop_sender(broadcast_channel* channel) noexcept {
    // Release: what this sender has sent is in the cells; pairs with the acquire in take(). Acquire: so that the last one's
    // wake-up comes after what all have sent.
    if (channel->senders_.fetch_sub(1, std::memory_order::acq_rel) == 1) channel->wake_all();
    channel->drop_owner();
}

std::size_t broadcast_channel::send(broadcast_node* value) noexcept {
    std::size_t to_come = 0;
    {
        const lock_scope guard(lock_);
        to_come = receivers_;
        if (to_come != 0) {
            value->to_come_ = to_come;
            // In the end the one that has to make room, if it is still there.
            std::swap(cells_[end_ % capacity_], value);
            ++end_;
        }
    }
    if (value != nullptr) value->drop();
    if (to_come != 0) wake_all();
    return to_come;
}

// Those who come to the list while wakers are called have seen what there was to see, and may be woken once too often.
void broadcast_channel::wake_all() noexcept {
    wakers_to_call<waker> woken;
    ring_links all;
    {
        const lock_scope guard(lock_);
        all.take_all_of(waiting_);
    }
    for (bool is_left = true; is_left;) {
        {
            const lock_scope guard(lock_);
            while (!all.is_alone() && !woken.is_full()) woken.take(static_cast<broadcast_reader&>(all.first()));
            is_left = !all.is_alone();
        }
        woken.call();
    }
}

void broadcast_channel::add_receiver(broadcast_reader& reader) noexcept {
    owners_.fetch_add(1, std::memory_order::relaxed);  // relaxed: the caller is counted
    const lock_scope guard(lock_);
    ++receivers_;
    reader.next = end_;
}

void broadcast_channel::drop_receiver(broadcast_channel* channel, broadcast_reader& reader) noexcept {
    waker dropped;
    broadcast_node* unwanted = nullptr;
    {
        const lock_scope guard(channel->lock_);
        --channel->receivers_;
        reader.leave();
        std::swap(dropped, reader.waker);
        const std::uint64_t end = channel->end_;
        std::uint64_t at = reader.next;
        if (end - at > channel->capacity_) at = end - channel->capacity_;
        for (; at != end; ++at) {
            broadcast_node*& cell = channel->cells_[at % channel->capacity_];
            if (--cell->to_come_ != 0) continue;
            cell->next_dropped_ = std::exchange(unwanted, cell);
            cell = nullptr;
        }
    }
    while (unwanted != nullptr) std::exchange(unwanted, unwanted->next_dropped_)->drop();
    channel->drop_owner();
}

// Under the lock.
broadcast_answer broadcast_channel::take(broadcast_reader& reader) noexcept {
    broadcast_answer answer;
    const std::uint64_t behind = end_ - reader.next;
    if (behind == 0) {
        // Acquire: pairs with the release in drop_sender(): all that was sent would be in the cells.
        if (senders_.load(std::memory_order::acquire) == 0) answer.view = broadcast_view::end;
        return answer;
    }
    if (behind > capacity_) {
        answer.view = broadcast_view::lagged;
        answer.missed = behind - capacity_;
        reader.next += answer.missed;
        return answer;
    }
    broadcast_node*& cell = cells_[reader.next++ % capacity_];
    answer.view = broadcast_view::value;
    answer.node = cell;
    answer.may_move = --cell->to_come_ == 0;
    if (answer.may_move)
        cell = nullptr;  // the cell's count goes to the caller
    else
        answer.node->add_user();
    return answer;
}

broadcast_answer broadcast_channel::take_or_wait(broadcast_reader& reader, const waker& to_wake) noexcept {
    {
        const lock_scope guard(lock_);
        const auto answer = take(reader);
        if (answer.view != broadcast_view::empty) return answer;
        if (!reader.is_alone() && reader.waker.will_wake(to_wake)) return answer;
    }
    waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
    const lock_scope guard(lock_);
    const auto answer = take(reader);
    if (answer.view != broadcast_view::empty) return answer;
    std::swap(reader.waker, other);
    if (reader.is_alone()) waiting_.push_back(reader);
    return answer;
}

}  // namespace pollux::inline v0::detail

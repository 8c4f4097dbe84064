// SPDX-License-Identifier: MIT
#include "scheduler/sleep_heap.hpp"

#include <array>
#include <utility>

#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::detail {

bool sleep_heap::arm(sleep_entry& entry, const waker& to_wake) {
    entry.to_wake = to_wake;
    const std::lock_guard guard(lock_);
    if (is_closed_) throw task_cancelled();
    entries_.push_back(&entry);
    entry.state = sleep_state::armed;
    put(entries_.size() - 1, &entry);
    sift_up(entry.place);
    return entry.place == 0;
}

sleep_state sleep_heap::poll(sleep_entry& entry, const waker& to_wake) {
    waker replaced;  // dropped after the lock
    std::unique_lock guard(lock_);
    if (entry.state != sleep_state::armed || entry.to_wake.will_wake(to_wake)) return entry.state;
    guard.unlock();
    waker clone(to_wake);
    guard.lock();
    if (entry.state == sleep_state::armed) replaced = std::exchange(entry.to_wake, std::move(clone));
    const sleep_state state = entry.state;
    guard.unlock();
    return state;
}

bool sleep_heap::disarm(sleep_entry& entry) noexcept {
    const std::lock_guard guard(lock_);
    if (entry.state != sleep_state::armed) return false;
    take_out(entry.place);
    entry.state = sleep_state::idle;
    return true;
}

sleep_heap::time_point sleep_heap::fire(time_point now) noexcept {
    // Wakers are called outside the lock, a batch at a time: large enough to make the lock cheap, small for the stack.
    std::array<waker, 32> due;
    for (;;) {
        std::size_t count = 0;
        time_point next = time_point::max();
        {
            const std::lock_guard guard(lock_);
            while (count != due.size() && !entries_.empty() && entries_.front()->deadline <= now) {
                sleep_entry& entry = *entries_.front();
                take_out(0);
                entry.state = sleep_state::fired;
                due[count++] = std::move(entry.to_wake);
            }
            if (!entries_.empty()) next = entries_.front()->deadline;
        }
        for (std::size_t i = 0; i != count; ++i) std::exchange(due[i], waker()).wake();
        if (count != due.size()) return next;
    }
}

sleep_heap::time_point sleep_heap::earliest() noexcept {
    const std::lock_guard guard(lock_);
    return entries_.empty() ? time_point::max() : entries_.front()->deadline;
}

void sleep_heap::close() noexcept {
    for (;;) {
        waker woken;
        {
            const std::lock_guard guard(lock_);
            is_closed_ = true;
            if (entries_.empty()) return;
            sleep_entry& entry = *entries_.back();
            entries_.pop_back();
            entry.state = sleep_state::cancelled;
            woken = std::move(entry.to_wake);
        }
        std::move(woken).wake();
    }
}

std::size_t sleep_heap::size() const noexcept {
    const std::lock_guard guard(lock_);
    return entries_.size();
}

void sleep_heap::put(std::size_t place, sleep_entry* entry) noexcept {
    entries_[place] = entry;
    entry->place = place;
}

void sleep_heap::sift_up(std::size_t place) noexcept {
    sleep_entry* const entry = entries_[place];
    while (place != 0 && entry->deadline < entries_[(place - 1) / 2]->deadline) {
        put(place, entries_[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(place, entry);
}

void sleep_heap::sift_down(std::size_t place) noexcept {
    sleep_entry* const entry = entries_[place];
    for (;;) {
        std::size_t child = 2 * place + 1;
        if (child >= entries_.size()) break;
        if (child + 1 < entries_.size() && entries_[child + 1]->deadline < entries_[child]->deadline) ++child;
        if (entry->deadline <= entries_[child]->deadline) break;
        put(place, entries_[child]);
        place = child;
    }
    put(place, entry);
}

void sleep_heap::take_out(std::size_t place) noexcept {
    sleep_entry* const last = entries_.back();
    entries_.pop_back();
    if (place == entries_.size()) return;
    put(place, last);
    sift_up(place);
    sift_down(last->place);
}

}  // namespace pollux::inline v0::detail

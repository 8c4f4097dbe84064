// SPDX-License-Identifier: MIT
// The task that a worker runs next: the one woken or spawned last, whose data are still warm. Its owner replaces and
// takes it; a thief on its last pass may take it too, once it has waited long enough behind a long poll. A push to it
// wakes nobody. tests/model/next_slot_model.cpp runs this template under a model checker.
//
// Claim: each task put in is taken once, by a thread that sees what came before it was put in. Proof: every taking is a
// read-modify-write of the one word, so it takes what stands there, and a thief's acquires.
// Named races, both harmless:
//   The owner puts a newer task in while a thief looks. The thief's exchange fails, or it has read the older one's
//   stamp and takes the newer one too early.
//   The task that a thief has seen is taken and put in again. The thief's exchange takes it as it is now.
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

/// Threads: replace and take by the owner; steal and looks_empty by any.
template <class T, class Sync = std_sync>
class next_slot {
public:
    /// Puts `item` in. Returns the one that stood there, or null. `now` is any clock's.
    T* replace(T* item, std::uint64_t now) noexcept {
        since_.store(now, std::memory_order::relaxed);  // a thief that reads it late or early waits longer or shorter
        // Release: what the item holds, for the acquire in steal(). No acquire: what comes back is the owner's own.
        return item_.exchange(item, std::memory_order::release);
    }

    /// Null: empty, or a thief was faster.
    T* take() noexcept {
        if (item_.load(std::memory_order::relaxed) == nullptr) return nullptr;  // only the owner fills it
        return item_.exchange(nullptr, std::memory_order::relaxed);             // the owner put in what it takes
    }

    /// Null: empty, put in less than `least_age` before `now`, or somebody was faster.
    T* steal(std::uint64_t now, std::uint64_t least_age) noexcept {
        T* item = item_.load(std::memory_order::relaxed);  // checked by the compare-exchange
        if (item == nullptr) return nullptr;
        // A sum: the owner may have put it in after the thief read its clock, and a difference would wrap round.
        // Relaxed: a guess at the age is enough.
        if (now < since_.load(std::memory_order::relaxed) + least_age) return nullptr;
        Sync::yield_point("next_slot: thief has looked, not yet taken");
        // Acquire: pairs with the release in replace(): shows what the item holds. A failure drops all that was read.
        return item_.compare_exchange_strong(item, nullptr, std::memory_order::acquire, std::memory_order::relaxed)
                   ? item
                   : nullptr;
    }

    bool looks_empty() const noexcept { return item_.load(std::memory_order::relaxed) == nullptr; }

private:
    // The owner fills it; the owner and thieves empty it.
    typename Sync::template atomic<T*> item_{nullptr};
    // The owner's.
    typename Sync::template atomic<std::uint64_t> since_{0};
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// A lock for two parties that never blocks: who does not get it leaves a waker behind and is woken when the other has let
// go. Between the two halves of `split`, each of which takes it for one poll of the object. Calls nothing but the wakers.
//
// One word, and a place for one waker:
//   free     nobody has the lock
//   held     one party has it
//   waited   one party has it, and the waker of the other is in the slot
// try_lock: (1) free -> held: it is ours. Else, since the other party holds it:
//           (2) waited -> held, if the slot has our earlier waker: it is taken back, or left if it is still the right one
//           (3) write the slot; (4) held -> waited. A step that finds free begins again at (1).
// unlock:   (a) the word becomes free; (b) if it was waited, take the waker out of the slot and wake it.
//
// Claim 1: one party at a time has the lock. Only (1) takes it, and only from free.
// Claim 2: the slot is touched by one party at a time. Without the lock a party writes it after it has seen held, that is:
//   the other holds the lock and has not unlocked, or has, and (4) will fail. The holder touches it after (a) only, if
//   that found waited: then (4) came before (a), and the waiter does not write until it has seen held again. The lock is
//   then the other's once more: so it has come back from (b).
// Claim 3: no wake-up is lost. (4) and (a) are read-modify-writes of one word. (4) first: (a) finds waited and wakes.
//   (a) first: (4) fails, and the lock is free.
// The race named in claim 2: the slot is written with (4) about to fail, while the other party unlocks. It found held at (a),
// so it does not look into the slot.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace pollux::inline v0::detail {

// Waker: copyable without throwing, movable, wake(), will_wake(other); default-constructed it wakes nobody.
template <class Waker, class Sync>
class half_lock {
public:
    half_lock() noexcept = default;
    half_lock(const half_lock&) = delete;
    half_lock& operator=(const half_lock&) = delete;

    /// Of either party, if it does not have the lock. False: `waker` will be woken when the other lets go.
    [[nodiscard]] bool try_lock(const Waker& waker) noexcept {
        // Acquire: pairs with the release of unlock(): what the other party did to the object, and it has left the slot.
        auto seen = word_.load(std::memory_order::acquire);
        for (;;) {
            if (seen == free) {
                // Acquire: as for the load. Release: this party has left the slot, for the acquire of the other's try_lock()
                // that finds held. Failure acquire: as for the load.
                if (word_.compare_exchange_weak(seen, held, std::memory_order::acq_rel, std::memory_order::acquire)) {
                    return true;
                }
                continue;
            }
            if (seen == waited) {
                // Relaxed would do on success: the slot is this party's own. Failure acquire: as for the load.
                if (!word_.compare_exchange_weak(seen, held, std::memory_order::acquire,  // g++ 12 warns of relaxed
                                                 std::memory_order::acquire)) {
                    continue;
                }
                seen = held;
            }
            if (!slot_.will_wake(waker)) slot_ = waker;
            // Release: the slot, for the acquire of unlock(). Failure relaxed: it has found free, and goes on to (1).
            if (word_.compare_exchange_strong(seen, waited, std::memory_order::release, std::memory_order::relaxed)) {
                return false;
            }
        }
    }

    /// Of the party that has the lock.
    void unlock() noexcept {
        // Release: what was done to the object, for the acquire of try_lock(). Acquire: the slot, pairs with the release
        // of try_lock().
        if (word_.exchange(free, std::memory_order::acq_rel) == waited) {
            Waker woken = std::move(slot_);
            std::move(woken).wake();
        }
    }

private:
    static constexpr std::uint32_t free = 0;
    static constexpr std::uint32_t held = 1;
    static constexpr std::uint32_t waited = 2;

    Waker slot_;
    typename Sync::template atomic<std::uint32_t> word_{free};
};

}  // namespace pollux::inline v0::detail

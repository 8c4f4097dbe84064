// SPDX-License-Identifier: MIT
// Where one side puts the permits that it gives back one by one, so that it does not change for each the word from
// which others take: the receiver of a channel with a bound, its places. Part of a permit_queue, which argues it
// (claim 6).
#pragma once

#include <atomic>
#include <cstddef>

namespace pollux::inline v0::detail {

/// Permits that one side has given back and nobody has collected. The word: their number, and whether they are wanted.
///
/// Threads: one adds, at the same time as whoever has the lock of the queue does the rest.
template <class Sync>
class permit_reserve {
public:
    /// True: they are wanted. Serve the line from the reserve.
    [[nodiscard]] bool add() noexcept {
        // Release: what the giver has read and written; pairs with the acquires of collect() and want().
        return (word_.fetch_add(one_permit, std::memory_order::release) & wanted) != 0;
    }
    /// Takes all.
    std::size_t collect() noexcept {
        // Acquire: pairs with the release of add().
        return word_.fetch_and(wanted, std::memory_order::acquire) / one_permit;
    }
    /// False: it is not empty.
    [[nodiscard]] bool want() noexcept {
        std::size_t seen = 0;
        // Relaxed: it says nothing but itself, to who changes the same word.
        return word_.compare_exchange_strong(seen, wanted, std::memory_order::relaxed, std::memory_order::relaxed);
    }
    void want_no_longer() noexcept { word_.fetch_and(~wanted, std::memory_order::relaxed); }  // relaxed: as want()

private:
    static constexpr std::size_t wanted = 1;
    static constexpr std::size_t one_permit = 2;

    typename Sync::template atomic<std::size_t> word_{0};
};

/// All permits are given back to the queue.
struct no_permit_reserve {
    static constexpr std::size_t collect() noexcept { return 0; }
    static constexpr bool want() noexcept { return true; }
    static constexpr void want_no_longer() noexcept {}
    constexpr const no_permit_reserve* operator->() const noexcept { return this; }
};

}  // namespace pollux::inline v0::detail

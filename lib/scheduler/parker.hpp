// SPDX-License-Identifier: MIT
// Where one worker sleeps: a token in a word, and a futex on that word. park() by the owner only, unpark() by any
// thread. The token is sticky: an unpark() before the park() is not lost, several before it are one.
//
//   empty_     no token, nobody sleeps       parked_    the owner sleeps, or is about to
//   notified_  a token lies here             elsewhere_ the same, but in something else, which can be interrupted
// Owner:    (1) empty -> parked, or else take the token that is there; (2) futex wait while the word is parked;
//           (3) take the token, if there is one, and the word is empty again.
// Unparker: (4) exchange to notified; (5) it was parked: futex wake.
// Claim: after (4) the owner's current or next park returns, and what happened before (4) happened before that return.
// Proof: (1) and (4) are read-modify-writes of one word. (4) first: (1) takes the token. (1) first: (5) wakes; a wake
// that comes before the wait of (2) is made up for by the kernel, which does not sleep unless the word is parked. A
// token is taken by a read-modify-write and never overwritten by a store: the exchange acquires from every (4) before
// it, also from those whose token it merges.
// Elsewhere: (2) is the wait of something else, and (5) its interrupt(), which ends this wait or the next one there. The proof is the
// same: (1) first, then (5) interrupts, and as it is not forgotten it need not come before the wait.
// Named race: between (4) and (5) the owner may return and go. (5) then wakes an address, which it does not touch; that
// costs whoever has a futex there now a spurious wake-up, and all of ours allow for it. Whoever waits elsewhere by then is interrupted
// for nothing.
#pragma once

#include <cstdint>

#include "core/futex.hpp"
#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

template <class Sync, class Futex>
class basic_parker {
public:
    using time_point = typename Futex::clock::time_point;

    basic_parker() noexcept = default;
    basic_parker(const basic_parker&) = delete;
    basic_parker& operator=(const basic_parker&) = delete;
    ~basic_parker() = default;

    /// Sleeps until there is a token, and takes it. Threads: the owner. Cost: no system call if the token is there.
    void park() noexcept { park_until(time_point::max()); }

    /// The same, at most until `deadline` (time_point::max(): no deadline). True: it took a token. False: the deadline
    /// is over. A token that is there wins over a deadline in the past; neither sleeps.
    bool park_until(time_point deadline) noexcept {
        std::uint32_t seen = empty_;
        // Acquire on failure: the word was notified; see take(). Relaxed on success: announces nothing.
        if (!state_.compare_exchange_strong(seen, parked_, std::memory_order::relaxed, std::memory_order::relaxed))
            return take();
        while (Futex::wait(state_, parked_, deadline))
            // Relaxed: take() acquires. The kernel, or nobody, may have woken us without a token.
            if (state_.load(std::memory_order::relaxed) == notified_) return take();
        return take();
    }

    /// The same as park_until(), but sleeps by `elsewhere.wait(deadline)`, which may return for reasons of its own.
    template <class Elsewhere>
    bool park_in(Elsewhere& elsewhere, time_point deadline) noexcept {
        std::uint32_t seen = empty_;
        // Acquire on failure: as in park_until(). Release on success: that there is an elsewhere; pairs with the acquire in unpark().
        if (!state_.compare_exchange_strong(seen, elsewhere_, std::memory_order::release, std::memory_order::relaxed))
            return take();
        elsewhere.wait(deadline);
        return take();
    }

    /// Leaves a token and wakes the owner if it sleeps here. True: it sleeps elsewhere, so the caller interrupts that.
    /// Threads: any. Cost: a system call only if the owner sleeps.
    bool unpark() noexcept {
        // Release: pairs with the acquire in take(). Acquire: pairs with the release in park_in().
        const std::uint32_t seen = state_.exchange(notified_, std::memory_order::acq_rel);
        if (seen == parked_) Futex::wake_one(state_);
        return seen == elsewhere_;
    }

    /// The owner sleeps, or is about to: for whoever describes it, so a relaxed look will do.
    bool is_parked() const noexcept {
        const std::uint32_t seen = state_.load(std::memory_order::relaxed);
        return seen == parked_ || seen == elsewhere_;
    }

private:
    // Acquire: pairs with the release in unpark(), and with all earlier ones: exchanges do not end a release sequence.
    bool take() noexcept { return state_.exchange(empty_, std::memory_order::acquire) == notified_; }

    static constexpr std::uint32_t empty_ = 0;
    static constexpr std::uint32_t parked_ = 1;
    static constexpr std::uint32_t notified_ = 2;
    static constexpr std::uint32_t elsewhere_ = 3;

    // The owner writes empty, parked and elsewhere, everybody writes notified.
    typename Sync::template atomic<std::uint32_t> state_{empty_};
};

using parker = basic_parker<std_sync, os_futex>;

}  // namespace pollux::inline v0::detail

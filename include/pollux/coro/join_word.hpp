// SPDX-License-Identifier: MIT
// How the children of a fork find out who ends last. Base of fork_point: it belongs to the parent's frame, and is gone as soon as
// the parent goes on. The fork deque says who holds the point, see fork_point.hpp; here is what the holder and the ended
// children count.
//
// Taken:   whoever gets the point from anywhere but pop_own() at the end of the child beside it: ++stolen. It holds the point.
// Child:   at its end pop_own(): true, it has taken back its own parent's point and holds it. False: (1) word -= 1.
// Holder:  at the end of the last child, which it runs in place: stolen == 0, it is the last. Else (2) word += stolen.
// Who makes the word zero is the last: it resumes the parent, or destroys it. The others touch nothing of the point after (1), (2).
//
// Claim: exactly one is the last, after all children have ended, and it sees what each has written before its end.
// Proof: the point is published once beside each child but the last, and leaves the deque once. By pop_own(): that child has
// ended, on the thread that goes on as the holder. By another taking: one more in stolen, and the child beside it finds it gone
// and does (1). So stolen is, at (2), the number of children that do (1), which is done once by each of them, and (2) comes
// once. Before (2) the word is below zero after each (1), so nobody is the last. From (2) on the word is the number of those
// that have not ended: zero once, for the last of all. stolen == 0: nobody does (1), and every child has ended on this thread.
// Each (1) and (2) releases and acquires one word, read-modify-writes only, so the last sees what was before all the others.
// Children that ended by pop_own() come before (2) in the chain of holders: the deque hands the point on with what they wrote.
//
// Cancelling: a child without a result marks the point before its (1) or (2), so the last sees the mark. Marks are never taken back.
// Races by name: "the holder ends against the last child", "two children end at once", "a child ends while its point is taken".
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

/// As what a child has ended: as one that did not find its parent's point, or as the last child, with the holder's role.
enum class join_role : bool { child, holder };

/// The word, and what its holder has counted.
///
/// Threads: `stolen` and was_taken() the holder's; the others any child's, until join() has said who is the last.
/// Cost: no atomic read-modify-write while nobody but the forking worker has had the point. Source: the join counter of Cilk-like
/// runtimes, as in libfork: thefts are counted by who holds the frame, and subtracted from at the end.
template <class Sync = std_sync>
class join_word {
    // Plain memory of whoever holds the point; the deque, or the queue, that hands it on publishes it.
    class holders_count {
    public:
        void operator++() noexcept { n_.store(n_.load() + 1); }
        std::uint32_t value() const noexcept { return n_.load(); }

    private:
        typename Sync::template cell<std::uint32_t> n_{0};
    };

    // A word, though it is a flag: with a word in front of it that the fork point has it is written in one.
    typename Sync::template atomic<std::uint32_t> abandoned_{0};

public:
    join_word() noexcept = default;
    join_word(const join_word&) = delete;
    join_word& operator=(const join_word&) = delete;

    /// False: all children so far have ended on the holder's thread, and the last to end is the last of all.
    bool was_taken() const noexcept { return stolen.value() != 0; }

    /// The caller's child has ended. True: it was the last of all, the parent is the caller's. False: touch nothing of it.
    [[nodiscard]] bool join(join_role as) noexcept {
        if (as == join_role::child) return join_with_others(~std::uint32_t{0});
        return !was_taken() || join_with_others(stolen.value());
    }

    /// A child ends without a result; before its join. Relaxed: the join publishes it.
    void abandon() noexcept { abandoned_.store(1, std::memory_order::relaxed); }
    /// For the last, after its join, which has acquired what the others have marked; hence relaxed.
    bool is_abandoned() const noexcept { return abandoned_.load(std::memory_order::relaxed) != 0; }

    /// How often the point was taken by anybody but the child that ran beside it.
    holders_count stolen;

private:
    // Modulo 2^32, so that subtracting one is adding its complement.
    bool join_with_others(std::uint32_t by) noexcept {
        // Acquire: the results of the others, and their marks. Release: ours. Its partner is this line on other threads.
        return word_.fetch_add(by, std::memory_order::acq_rel) + by == 0;
    }

    typename Sync::template atomic<std::uint32_t> word_{0};
};

}  // namespace pollux::inline v0::detail

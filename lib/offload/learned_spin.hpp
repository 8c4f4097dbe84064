// SPDX-License-Identifier: MIT
// How long to look for what may come soon, before a thread sleeps: long where it has come so far, not at all where it has not. A spin
// pays where the other side has a CPU of its own; where it needs this one, or where jobs come seldom, it is lost: on a machine with
// other work a round trip of a job took 35 us with spins of 20 and 3 us, 13 with these.
//
// Nobody yields its CPU in such a spin. The kernel counts a yield as a whole slice of a thread that wants to compute, so beside other
// programs the same round trip took two milliseconds. Only where many jobs share that price a yield comes first: pool and worker then take
// turns on one CPU without a switch for each handful of jobs (a million of them: 100 ns each, and 200 by sleeping).
#pragma once

#include <atomic>
#include <cstdint>

namespace pollux::inline v0::detail {

/// So many jobs share the price of a yield: at worst some microseconds each.
inline constexpr unsigned many_jobs = 64;

/// Threads: any. Several at once may lose an answer, which matters little.
class learned_spin {
public:
    explicit learned_spin(std::uint64_t longest_ticks) noexcept : longest_(longest_ticks) {}

    /// Half of the longest after one that was in vain, and so on, then zero: do not spin. One in so many is long all the same, to see
    /// whether things have changed. The answer to each, to zero too, is has_brought().
    std::uint64_t ticks() const noexcept {
        const unsigned in_vain = in_vain_.load(std::memory_order::relaxed);  // a hint
        if (in_vain % long_turn == long_turn - 1) return longest_;
        return in_vain > most_halvings ? 0 : longest_ >> in_vain;
    }
    void has_brought(bool something) noexcept {
        // Relaxed, both: a hint.
        const unsigned in_vain = in_vain_.load(std::memory_order::relaxed);
        if (const unsigned now = something ? 0 : in_vain + 1; now != in_vain)
            in_vain_.store(now, std::memory_order::relaxed);
    }

private:
    // Guesses.
    static constexpr unsigned most_halvings = 2, long_turn = 32;

    const std::uint64_t longest_;
    std::atomic<unsigned> in_vain_{0};  // in a row
};

}  // namespace pollux::inline v0::detail

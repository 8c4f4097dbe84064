// SPDX-License-Identifier: MIT
// A value that signal handlers read on any thread while somebody replaces it: in two places, of which one counts. A handler may
// neither lock nor wait, and it may have interrupted whoever replaces. Used by arrivals.cpp; tests/model/two_places_model.cpp runs this
// template under a model checker.
//
//   handler:   (a) see which place counts; (b) count itself as a reader of it; (c) look again: does it count still? If so read it, and
//              leave; else leave and begin again.
//   replacer:  (1) fill the place that does not count; (2) let it count; (3) wait until the other one has no reader.
//
// Claim 1: nobody reads a place that is being filled. Claim 2: after replace() nobody uses what it replaced.
// Proof. (2), (3), (b), (c) have one order. A reader of the old place whose (b) comes after the last look of (3) has its (c) after (2)
// and begins again, or that place counts once more, after another (2), and its (c) has acquired what was filled in before that. A
// reader whose (b) comes before is waited for. So after (3) nobody reads the old place, and it is the one that the next (1) fills.
// The wait ends: each handler that it waits for reads a few words and leaves; those that come later read the other place. The
// handler's mask keeps others out while it reads, or they are as brief.
#pragma once

#include <atomic>
#include <cstdint>

namespace pollux::inline v0::detail {

template <class T, class Sync>
class two_places {
public:
    constexpr two_places() noexcept = default;

    /// Gives the value to `fn`, which keeps nothing of it. Threads: any, in a signal handler too. Lock-free.
    template <class Fn>
    void read(Fn fn) noexcept {
        for (;;) {
            const unsigned at = counts_.load(std::memory_order::relaxed);  // (a), checked by (c)
            // (b) sequentially consistent: one order with (2), (3) and (c); see the proof.
            readers_[at].fetch_add(1, std::memory_order::seq_cst);
            // (c) as (b). It acquires, too: pairs with (2): shows what was filled in.
            if (counts_.load(std::memory_order::seq_cst) == at) {
                fn(places_[at]);
                readers_[at].fetch_sub(1, std::memory_order::release);  // pairs with (3): it has been read
                return;
            }
            readers_[at].fetch_sub(1, std::memory_order::relaxed);  // it has read nothing
        }
    }

    /// `fill` writes the whole of the new value; `wait` is called while handlers still use the old one. Threads: one at a time.
    template <class Fill, class Wait>
    void replace(Fill fill, Wait wait) noexcept {
        const unsigned old = counts_.load(std::memory_order::relaxed);  // only this side writes it
        fill(places_[1 - old]);                                         // (1)
        counts_.store(1 - old, std::memory_order::seq_cst);             // (2), see (b) and (c)
        // (3) sequentially consistent: as (b). It acquires, too: pairs with the release of those who have left.
        while (readers_[old].load(std::memory_order::seq_cst) != 0) wait();
    }

private:
    typename Sync::template atomic<unsigned> counts_{0};
    typename Sync::template atomic<std::uint32_t> readers_[2]{};
    T places_[2]{};
};

}  // namespace pollux::inline v0::detail

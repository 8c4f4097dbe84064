// SPDX-License-Identifier: MIT
// The sleeping workers, the number of searching ones, and the proof that no wake-up is lost. Every change of either
// stands in this file. Called by whoever pushed work (any thread) and by workers; it returns the worker to wake, and
// the caller unparks it. A token without a claim does no harm: the worker wakes, leaves by cancel_sleep(), and looks
// round.
//
// Publisher: (1) push; (2) full fence; (3) searchers_ above zero: done, one of them will find it. Else claim one
//            sleeper: take it out of the set, then count it as a searcher; the caller unparks it.
// Sleeper:   (a) enter the set, leave searchers_; (b) full fence; (c) look into every queue; all empty: park. Found
//            something: resume_search(). Woken: cancel_sleep(), which says whether somebody has claimed it.
// Searcher that found work: (x) leave searchers_; was it the last, then (2) and (3), as if it had pushed what it left
// behind.
//
// Claim: after (3), an awake worker is going to look where the push went, or one was claimed for it. Moreover it does
// not have to wait for the work that another worker has found first, as long as anybody sleeps.
// Proof. The fences have one order. Let P push X and P's fence be before a sleeper's (b): that sleeper's (c) sees X.
// Call such a sleeper late, the others early: P's (3) sees what an early one did in (a).
// - P counts no searcher and finds no sleeper: then there is no early one in the set. All are late, or busy and will be
//   late.
// - P counts no searcher and claims one: it searches, and counts as a searcher from the claim on. As next case.
// - P counts a searcher. Follow searchers_ from the value P read to where it first comes down to zero. By (a): that
//   sleeper is late, since an early one's leaving would have been seen, so it sees X or X is taken. By (x): its fence
//   is behind P's, hence behind (b) of each early sleeper. So it finds these, and claims one, for which the same holds
//   again.
// A searcher that resumes from (c) has left searchers_ before and counts anew; (x) makes it look after the others too.
//
// searchers_ is signed and may run low for a moment, never high: the claim takes a sleeper out first and counts it
// then, and in between the sleeper may have seen its claim, searched and left. Too low wakes one too many. Too high
// would lose a wake-up: a publisher would rely on a searcher that is not there. So is the order: out of the set, then
// count.
//
// Fences. With `asymmetric`, (b) is the heavy one, unless all others sleep already: at some moment of it every running thread
// executes a full fence. Then a publisher that only needs to be exact towards sleepers needs none of its own: a fork push is followed by a
// light fence and a relaxed look at any_sleeper_word(). Is X pushed before its thread's interrupt, (c) sees it; else
// the look comes behind the interrupt and sees (a). Without `asymmetric` (b) is a full fence and a fork push needs one
// too.
//
// More than 64 workers: the sleepers stand in leaves of 64 bits, and bit i of top_ says that leaf i may have one. (a)
// sets the bit in the leaf, then always the one in top_. Leaving does not touch top_: the bit stays until a claim finds
// the leaf empty. That claim clears it and looks into the leaf again. Either the clearing came after some sleeper's
// setting: then it has acquired it, the look sees the sleeper, and it sets the bit again and claims one. Or the setting
// came after: then the bit stays. In the moment between clearing and setting again a publisher may see no bit although
// a sleeper is there. It is not lost: the claim that hid the sleeper has yet to be made, and it is made or the leaf is
// empty by then. Who is claimed so is late (an early one that is set anew would have set the bit again for P), and it
// sees the bit set (release of the claim, acquire in cancel_sleep); if it leaves the search and others are still in it, so
// does the last of them (release in found_work, and the fence behind the last leaving). A clear bit for a moment is thus
// like a publisher that came a moment later.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "pollux/core/sync_policy.hpp"

namespace pollux::inline v0::detail {

/// Which workers sleep and how many search. The numbers are 64 but for models, which have few threads.
///
/// Threads: each function says whether it is any thread's or the worker's own. Cost: no allocation after construction.
template <class Sync = std_sync, unsigned LeafBits = 64, unsigned Leaves = 64>
class idle_set {
public:
    using word = typename Sync::template atomic<std::uint64_t>;

    static constexpr unsigned most_workers = LeafBits * Leaves;

    /// `workers`: at most most_workers. `asymmetric`: membarrier is available; see the opening comment.
    idle_set(unsigned workers, bool asymmetric) : idle_set(workers, workers, asymmetric) {}
    /// The same with places for others that stand in for those workers: `places` in all, at most most_workers.
    idle_set(unsigned workers, unsigned places, bool asymmetric)
        : workers_(workers), places_(places), asymmetric_(asymmetric), has_leaves_(places > LeafBits) {}
    idle_set(const idle_set&) = delete;
    idle_set& operator=(const idle_set&) = delete;
    ~idle_set() = default;

    /// After a push. The worker to be unparked by the caller, or nobody. Threads: any.
    /// Cost: a full fence and a load while nobody sleeps; one load more while somebody searches.
    [[nodiscard]] std::optional<unsigned> after_push() noexcept {
        return may_wake_after_push() ? after_fork_push() : std::nullopt;
    }

    /// The first half of it. True: after_fork_push() comes next. False: nobody sleeps, so whether somebody searches does not matter.
    [[nodiscard]] bool may_wake_after_push() noexcept {
        Sync::yield_point("idle_set: pushed, not yet looked for a sleeper");
        Sync::full_fence();                                 // (2); pairs with the fence in announce_sleep()
        return top_.load(std::memory_order::relaxed) != 0;  // ordered by the fence
    }

    /// After a push and a fence: the light one if the set is asymmetric, else a full one. Needed only if
    /// any_sleeper_word() is not zero. The worker to be unparked by the caller, or nobody. Threads: any.
    [[nodiscard]] std::optional<unsigned> after_fork_push() noexcept {
        Sync::yield_point("idle_set: fenced, not yet looked for a sleeper");
        // Relaxed: the fences order it. Stale is fine on both sides of them, see the proof.
        if (searchers_.load(std::memory_order::relaxed) > 0) return std::nullopt;
        return claim();
    }

    /// Not zero if a worker sleeps (and perhaps a little longer). Read relaxed behind the fence of after_fork_push().
    const word& any_sleeper_word() const noexcept { return top_; }

    /// Counts the calling worker as a searcher. False: half of the workers search already, it had better go to sleep.
    /// `is_limited`: or never false.
    [[nodiscard]] bool begin_search(bool is_limited = true) noexcept {
        // Relaxed: several may pass at once, the limit only saves power.
        const auto searching = searchers_.load(std::memory_order::relaxed);
        if (is_limited && searching > 0 && 2 * static_cast<unsigned>(searching) >= workers_) return false;
        searchers_.fetch_add(1, std::memory_order::relaxed);  // relaxed: who counts on it is ordered by its leaving
        return true;
    }

    /// A searcher has found work and is about to run it. The worker to be unparked by the caller, or nobody: the last
    /// one to leave wakes one more, which searches on.
    [[nodiscard]] std::optional<unsigned> found_work() noexcept {
        // Release: pairs with the fence of after_push() behind the leaving of the last searcher, which sees the bits of top_ as
        // this one has seen them in cancel_sleep(). Relaxed else: that fence is behind it.
        if (searchers_.fetch_sub(1, std::memory_order::release) > 1) return std::nullopt;
        Sync::yield_point("idle_set: last searcher has left, not yet looked for a sleeper");
        return after_push();
    }

    /// The same without waking anybody. What was pushed in reliance on this searcher waits until it, or another, comes back for more;
    /// so a worker that goes for good wakes its runtime by other means.
    void leave_unfollowed() noexcept {
        searchers_.fetch_sub(1, std::memory_order::relaxed);  // nobody goes by what this one has seen
    }

    /// Before a park: `worker` is the caller; `searching`: it counts as a searcher, and does no longer. Afterwards it
    /// looks into every queue once more, then it parks, or goes on by resume_search().
    /// `others`: so many other workers push behind the light fence only. If one more comes meanwhile, what it pushes first may be seen
    /// too late here: it is awake and runs that itself.
    void announce_sleep(unsigned worker, bool searching, unsigned others = most_workers) noexcept {
        Sync::yield_point("idle_set: looked everywhere, sleep not yet announced");
        // Relaxed, both: the fence orders them, and they need no order among themselves.
        const std::uint64_t before = leaf(worker).fetch_or(bit(worker), std::memory_order::relaxed);
        // Release: pairs with the acquire in claim(), which sees the leaf then.
        if (has_leaves_) top_.fetch_or(top_bit(worker), std::memory_order::release);
        Sync::yield_point("idle_set: in the set, still a searcher");
        if (searching) searchers_.fetch_sub(1, std::memory_order::relaxed);
        // All who push behind a light fence stand in this word before us. What they pushed before that they look for themselves, in
        // their (c); and who has left it by cancel_sleep(), a change of the same word, has seen us there before it pushes again.
        const bool all_sleep = others == 0 || (!has_leaves_ && static_cast<unsigned>(std::popcount(before)) >= others);
        // (b); pairs with the fence in after_push(), or the light one of a fork push.
        if (asymmetric_ && !all_sleep) {
            Sync::heavy_fence();
        } else {
            Sync::full_fence();
        }
        Sync::yield_point("idle_set: sleep announced, not yet looked again");
    }

    /// `worker`, the caller, is awake again, for whatever reason. True: it left by itself and does not count as a
    /// searcher (a timer, an event, a spurious wake-up: what it pushes now it publishes as everybody does). False: it
    /// was claimed and counts as a searcher; its token comes or has come, and may wake it once more for nothing.
    [[nodiscard]] bool cancel_sleep(unsigned worker) noexcept {
        // Acquire: pairs with the release in take_from(): a later claim() sees the bits of top_ as that one left them.
        return (leaf(worker).fetch_and(~bit(worker), std::memory_order::acquire) & bit(worker)) != 0;
    }

    /// `worker`, the caller, found something in its look before the park. It counts as a searcher again, claimed or
    /// not, and goes on as one: take the work, found_work().
    void resume_search(unsigned worker) noexcept {
        if (cancel_sleep(worker)) searchers_.fetch_add(1, std::memory_order::relaxed);  // relaxed: as in begin_search()
    }

    bool is_asymmetric() const noexcept { return asymmetric_; }

    /// For metrics: each word read at its own moment.
    unsigned sleepers() const noexcept {
        if (!has_leaves_)
            return static_cast<unsigned>(std::popcount(top_.load(std::memory_order::relaxed)));  // a snapshot
        unsigned n = 0;
        for (unsigned i = 0; i * LeafBits < places_; ++i)
            n += static_cast<unsigned>(std::popcount(leaves_[i].load(std::memory_order::relaxed)));  // a snapshot
        return n;
    }
    unsigned searchers() const noexcept {
        const auto n = searchers_.load(std::memory_order::relaxed);  // a snapshot
        return n > 0 ? static_cast<unsigned>(n) : 0;
    }

private:
    // Two cache lines: processors fetch them in pairs.
    static constexpr std::size_t apart = 128;

    static constexpr std::uint64_t bit(unsigned worker) noexcept { return std::uint64_t{1} << worker % LeafBits; }
    static constexpr std::uint64_t top_bit(unsigned worker) noexcept { return std::uint64_t{1} << worker / LeafBits; }

    word& leaf(unsigned worker) noexcept { return has_leaves_ ? leaves_[worker / LeafBits] : top_; }

    // Takes out one sleeper and counts it as a searcher. The lowest index: so it is mostly the same workers that run,
    // and their caches are warm.
    std::optional<unsigned> claim() noexcept {
        std::uint64_t leaves = top_.load(std::memory_order::relaxed);  // relaxed: the fences order it
        if (!has_leaves_) return take_from(top_, leaves, 0);
        for (; leaves != 0; leaves &= leaves - 1) {
            const auto i = static_cast<unsigned>(std::countr_zero(leaves));
            const std::uint64_t mark = std::uint64_t{1} << i;
            for (;;) {
                // Relaxed: behind the fences, or behind the acquire below.
                if (const auto found = take_from(leaves_[i], leaves_[i].load(std::memory_order::relaxed), i * LeafBits))
                    return found;
                // Acquire: pairs with the release in announce_sleep().
                top_.fetch_and(~mark, std::memory_order::acquire);
                // re-check: a sleeper has set the bit just before it was cleared.
                if (shows_again(i, mark)) continue;
                break;
            }
        }
        return std::nullopt;
    }

    bool shows_again(unsigned i, std::uint64_t mark) noexcept {
        if (leaves_[i].load(std::memory_order::relaxed) == 0) return false;  // relaxed: behind the acquire in claim()
        // Before the claim: whom it wakes must find the others. Relaxed: the release in take_from() is behind it, and a
        // sleeper's release on this word goes on through it.
        top_.fetch_or(mark, std::memory_order::relaxed);
        return true;
    }

    std::optional<unsigned> take_from(word& sleepers, std::uint64_t seen, unsigned first) noexcept {
        while (seen != 0) {
            const std::uint64_t lowest = seen & (~seen + 1);
            // Release: pairs with the acquire in cancel_sleep().
            const std::uint64_t before = sleepers.fetch_and(~lowest, std::memory_order::release);
            if ((before & lowest) != 0) {
                Sync::yield_point("idle_set: sleeper claimed, not yet counted as a searcher");
                // Behind the taking out, see the opening comment. Relaxed: as in begin_search().
                searchers_.fetch_add(1, std::memory_order::relaxed);
                return first + static_cast<unsigned>(std::countr_zero(lowest));
            }
            seen = before;
        }
        return std::nullopt;
    }

    const unsigned workers_;  // that are not away: of these, half may search
    const unsigned places_;
    const bool asymmetric_;
    const bool has_leaves_;  // else top_ is the only leaf

    // Read by each push, so apart from what changes more often.
    alignas(apart) word top_{0};
    alignas(apart) typename Sync::template atomic<std::int32_t> searchers_{0};
    alignas(apart) word leaves_[Leaves]{};
};

}  // namespace pollux::inline v0::detail

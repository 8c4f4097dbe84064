// SPDX-License-Identifier: MIT
// This process's use of oneTBB: how many threads it may have, and when they end. Each CPU pool holds one share.
//
// oneTBB gives all arenas together one thread less than its limit of parallelism, whatever their sizes, and its limit is the
// number of CPUs: two slots on two CPUs would be one thread. So while there are shares, one global_control raises the limit to
// one more than all slots together, and never below what it was before. Of several controls the smallest counts, so a host
// that sets a smaller limit is obeyed; one that sets a larger is held to ours while we have one.
//
// Several shares. When a thread finds an arena empty, oneTBB takes back what that arena had asked for, though other threads still run
// work of it. It then counts each of these as one that will come to whoever asks next: a runner of another pool waits until they are back,
// for ever if what they run waits for it. So while there is more than one share, whoever enqueues a runner also enqueues nothing in the
// *ballast*, an arena with one slot more than all shares together, which the limit has room for.
//   Enqueuer: (1) count the runner as waiting; (2) enqueue it; (3) with more than one share, send a thread to the ballast.
//   Runner:   (a) it waits no more; (b) with more than one share, if others wait, send a thread to the ballast.
// Claim: a thread comes to each runner that waits.
// Why: runners that run are fewer than the ballast asks for, so a thread comes to it that runs nothing. Before that sleeps it looks for
// an arena which has fewer threads than it asked for, and so does each that makes an arena take its wish back. What it finds is a runner
// that waits, or it looks on. That runner may run for long: hence (b), which sees by the count each whose (2) the thread could have seen.
// (1) and (a) are counted with one share, too: the second comes while runners of the first wait. (3) after (2): who still sees one share
// there has enqueued before any runner of the second, which sees to both.
//
// With the last share oneTBB's threads end, unless somebody else uses it in this process: then they are not ours alone, and
// stay.
#pragma once

#include <atomic>

namespace pollux::inline v0::detail {

class tbb_share {
public:
    /// Throws: std::bad_alloc; std::system_error after has_no_threads().
    explicit tbb_share(unsigned slots);
    tbb_share(const tbb_share&) = delete;
    tbb_share& operator=(const tbb_share&) = delete;
    /// The arena of this share has been terminated. Waits for oneTBB's threads if it was the last one.
    ~tbb_share();

    /// oneTBB was refused a thread, which it counts all the same: waiting for the end of its threads would not end. So nobody does any more.
    static void was_refused_thread() noexcept;
    /// It was the first one: there will never be any. From now on nobody gets a share, either.
    static void has_no_threads() noexcept;

    /// (1). Threads: any, as the next three.
    static void runner_waits() noexcept {
        waiting_.fetch_add(1, std::memory_order::seq_cst);  // before (2), for (b) of others
    }
    /// (1) is taken back: it could not be enqueued. Relaxed: who still sees one too many sends a thread in vain.
    static void runner_is_refused() noexcept { waiting_.fetch_sub(1, std::memory_order::relaxed); }
    /// (3).
    static void runner_is_enqueued() noexcept {
        // Seq_cst: behind (2); pairs with the store by whoever makes the second share.
        if (shares_.load(std::memory_order::seq_cst) > 1) [[unlikely]]
            send_to_ballast();
    }
    /// (a), (b).
    static void runner_begins() noexcept {
        // Seq_cst: pairs with (1). Relaxed: who made the share that another runner is of has enqueued that behind it.
        if (waiting_.fetch_sub(1, std::memory_order::seq_cst) != 1 && shares_.load(std::memory_order::relaxed) > 1)
            [[unlikely]]
            send_to_ballast();
    }

    /// Of our slots, as many as oneTBB's limit allows now; at least 1, which enqueued work always gets.
    unsigned usable_slots() const noexcept;

private:
    static void send_to_ballast() noexcept;

    // Of the process: how many there are, written under the lock; and runners that are enqueued and have not begun.
    static constinit std::atomic<unsigned> shares_;
    static constinit std::atomic<unsigned> waiting_;

    unsigned slots_;
};

}  // namespace pollux::inline v0::detail

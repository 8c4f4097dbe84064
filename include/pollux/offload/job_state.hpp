// SPDX-License-Identifier: MIT
// The word that a job's future and the pool that runs it share: who may touch the closure, the result and the waker, and who
// frees the block that holds them. Used by offload/job.hpp and lib/offload; calls nothing.
//
//   waker_    the slot holds the waker of the latest poll; set and cleared by the future only
//   claimed_  the pool has the job: it runs it, or gives it up unrun; set by the pool
//   done_     the result is the future's; set by the pool, never without claimed_
//   gone_     the future has left; set by it, last, unless it found left_
//   left_     the pool touches the block no more; set by it, last, never without done_, unless it found gone_
//
// Claim 1: exactly one side ends the closure. A future that leaves an unclaimed job owns it; a job that was claimed first is
//   the pool's. leave() and claim() are read-modify-writes of one word: one comes first, and the other sees its bit.
// Claim 2: the result is written by the pool before done_, and touched by the future only after it saw done_. If gone_ came
//   before done_, the pool destroys it.
// Claim 3: the slot is never written while the pool reads it. The pool reads it after complete() found waker_ set, in place.
//   The future writes it only with waker_ clear and done_ not yet seen: withdraw() clears the bit and fails if done_ is set;
//   complete(), coming later, finds it clear and leaves the slot alone. Both sides may read it at once.
// Claim 4: no wake-up is lost. publish() and complete() are read-modify-writes: complete() first: publish() sees done_, the
//   poll takes the result. publish() first: complete() sees waker_.
// Claim 5: the block is freed once, by the side that comes second to leave it, or by the future that owns the job after claim 1,
//   or by the pool where complete() finds gone_. Who comes first sets its bit by a read-modify-write that does not find the
//   other's; who comes second finds it, at best by a load, and then nobody else is there to read a bit of its own.
#pragma once

#include <atomic>

#include <cstdint>

namespace pollux::inline v0::detail {

enum class job_leave : std::uint8_t {
    take_out,     // never claimed: the pool's queue lets go of it, then it is the leaver's
    to_the_pool,  // the pool still uses the block and frees it
    free_block,   // the pool has left
};
enum class job_complete : std::uint8_t {
    wake,       // wake the slot, then finish()
    silent,     // nobody to wake: the poll that is going on finds the result; finish()
    abandoned,  // the future has gone: free the block with the result
};

template <class Sync>
class job_state {
public:
    /// Unclaimed, with the waker in its slot.
    job_state() noexcept = default;
    job_state(const job_state&) = delete;
    job_state& operator=(const job_state&) = delete;

    // The future's.

    bool is_done() const noexcept {
        return (word_.load(std::memory_order::acquire) & done_) != 0;  // pairs with the release of complete()
    }
    /// Before the slot is written. False: the job is done.
    [[nodiscard]] bool withdraw() noexcept {
        auto seen = word_.load(std::memory_order::acquire);  // pairs with the release of complete(): shows the result
        for (;;) {
            if ((seen & done_) != 0) return false;
            // Acquire: on failure, as for the load. Relaxed would do on success, for the pool has not touched the slot, but g++ 12
            // warns of a failure order that is the stronger one.
            if (word_.compare_exchange_weak(seen, seen & ~waker_, std::memory_order::acquire)) return true;
        }
    }
    /// The slot has been written. False: the job is done, and nobody will be woken.
    [[nodiscard]] bool publish() noexcept {
        // Release: the slot, for the acquire of complete(). Acquire: pairs with the release there: shows the result.
        return (word_.fetch_or(waker_, std::memory_order::acq_rel) & done_) == 0;
    }
    /// The future goes; a result that it saw, it has destroyed. `while_it_runs` is called first if the pool may be running the
    /// closure.
    template <class Fn>
    job_leave leave(Fn&& while_it_runs) noexcept {
        // Acquire: of left_, pairs with finish(): shows the pool's use of the block. All else the read-modify-writes below check.
        auto seen = word_.load(std::memory_order::acquire);
        if ((seen & left_) != 0) return job_leave::free_block;
        while ((seen & claimed_) == 0) {
            // Relaxed: announces nothing but itself; the lock of the pool's queue orders the rest. Failure relaxed: it is seen again.
            if (word_.compare_exchange_weak(seen, seen | gone_, std::memory_order::relaxed, std::memory_order::relaxed))
                return job_leave::take_out;
        }
        if ((seen & done_) == 0) while_it_runs();
        // Release: our use of the result and the slot; acquire: the pool's use of the block. Partner: finish(). Release also for
        // the acquire of complete(), which frees the block if this comes before it.
        seen = word_.fetch_or(gone_, std::memory_order::acq_rel);
        return (seen & left_) != 0 ? job_leave::free_block : job_leave::to_the_pool;
    }

    // The pool's.

    /// Before anything is done with a job from the queue. False: its future has left and takes it out.
    [[nodiscard]] bool claim() noexcept {
        // Relaxed: the queue that gave us the job has shown it. The bit means nothing where the future has gone.
        return (word_.fetch_or(claimed_, std::memory_order::relaxed) & gone_) == 0;
    }
    /// The closure is destroyed, the result is written.
    [[nodiscard]] job_complete complete() noexcept {
        // Release: the result, for the acquires of the future. Acquire: the slot, pairs with publish(); and what the future did
        // with the block, pairs with leave().
        const auto seen = word_.fetch_or(done_, std::memory_order::acq_rel);
        if ((seen & gone_) != 0) return job_complete::abandoned;
        return (seen & waker_) != 0 ? job_complete::wake : job_complete::silent;
    }
    /// The pool's last access. True: the future has gone, free the block.
    [[nodiscard]] bool finish() noexcept {
        // Acquire: pairs with leave(): shows what the future did with the block.
        if ((word_.load(std::memory_order::acquire) & gone_) != 0) return true;
        // Both ways: see leave().
        return (word_.fetch_or(left_, std::memory_order::acq_rel) & gone_) != 0;
    }

private:
    static constexpr std::uint32_t waker_ = 1;
    static constexpr std::uint32_t claimed_ = 2;
    static constexpr std::uint32_t done_ = 4;
    static constexpr std::uint32_t gone_ = 8;
    static constexpr std::uint32_t left_ = 16;

    typename Sync::template atomic<std::uint32_t> word_{waker_};
};

}  // namespace pollux::inline v0::detail

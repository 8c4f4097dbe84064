// SPDX-License-Identifier: MIT
// A number of permits and the line of those who wait for some: what semaphore, async_mutex, async_rw_lock and once_cell, and
// channels with a bound, are made of. Calls the wakers of those who wait.
//
// One word: the permits at hand, and two flags.
//   waiting   somebody stands in the line, whose head may be granted nothing but what is at hand
//   closed    nothing is given any more
// Claim 1: nobody overtakes. While `waiting` is set, permits are taken by the holder of the lock only, for the head of the
//   line.
// Claim 2: as long as `waiting` is set, only the holder of the lock writes the word, so it may load and store. It is set under
//   the lock, by an exchange that finds too few permits; from then on the exchanges of try_take() and give_back() fail, for
//   they want it clear. It is cleared under the lock, when the line is empty.
// Claim 3: no permit lies idle while the head could have it. Permits come by give_back(): with `waiting` clear there is no
//   head; with it set they are added under the lock, and the line is served in the same hold. The head changes by a grant,
//   after which the next is looked at, and by withdraw(), which serves the line too. Whoever comes to an empty line has found
//   too few permits in the same exchange that sets `waiting`.
// Claim 4: who takes permits sees what was written before they were given back. try_take() acquires what give_back() released:
//   all changes of the word between the two are read-modify-writes, or the store at the end of serve(). That one releases what
//   its thread has from the lock, under which the exchange that set `waiting` acquired all before it. A granted waiter has it
//   from the lock.
// Claim 5: give_back() does not touch the queue after others can know that the permits are there, unless it wakes more than
//   fit into one wakers_to_call. With `waiting` clear its exchange is its last access. With it set, whoever was granted learns
//   it under the lock, and so after the last access; so does a waiter that is dropped. So the queue may be destroyed by who
//   has received, as it may be with a std::mutex.
//
// Named races: give_back() finds `waiting` and the line is emptied before it has the lock: it starts again. try_take() against
// an exchange that sets `waiting`: one of them fails. A waiter is dropped while it is granted: both under the lock, the grant
// goes on to the next.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::detail {

enum class permit_answer : unsigned char { pending, taken, closed };

// Waker: copyable without throwing, movable, wake(), will_wake(other); default-constructed it wakes nobody.
template <class Waker, class Sync>
class permit_queue {
public:
    /// Stands in a future, which is dropped or taken to its end by one thread at a time.
    class waiter : waiter_links<Waker> {
        friend permit_queue;
        std::size_t wanted_ = 0;                         // constant while it stands in the line
        permit_answer answer_ = permit_answer::pending;  // guarded by the lock
    };

    explicit permit_queue(std::size_t permits) noexcept : word_(permits * one_permit) {}
    permit_queue(const permit_queue&) = delete;
    permit_queue& operator=(const permit_queue&) = delete;

    /// More do not fit into the word.
    static constexpr std::size_t most_permits() noexcept { return ~std::size_t{0} >> 3; }

    /// Takes `n` permits, or answers pending: somebody waits, or there are too few.
    [[nodiscard]] permit_answer try_take(std::size_t n) noexcept {
        // Acquire: pairs with the release of close(), and with that of give_back() and serve() for the permits. On failure too.
        auto seen = word_.load(std::memory_order::acquire);
        for (;;) {
            if ((seen & closed) != 0) return permit_answer::closed;
            if ((seen & waiting) != 0 || seen / one_permit < n) return permit_answer::pending;
            // Acquire, both: as for the load.
            if (word_.compare_exchange_weak(seen, seen - n * one_permit, std::memory_order::acquire,
                                            std::memory_order::acquire))
                return permit_answer::taken;
        }
    }

    /// The first poll of who wants `n` permits. Pending: `one` stands in the line, and `to_wake` will be woken.
    [[nodiscard]] permit_answer start(waiter& one, std::size_t n, const Waker& to_wake) noexcept {
        one.wanted_ = n;
        const auto answer = try_take(n);
        return answer == permit_answer::pending ? enter(one, to_wake) : answer;
    }

    /// A poll of who stands in the line, or has.
    [[nodiscard, gnu::noinline]] permit_answer look(waiter& one, const Waker& to_wake) noexcept {
        const bool is_waiting =
            keep_waiting<Waker>(one, to_wake, lock_, [&] { return one.answer_ != permit_answer::pending; });
        // Without the lock: an answer is written once.
        return is_waiting ? permit_answer::pending : one.answer_;
    }

    /// Of who stands in the line, or has: waits no longer. What it was granted goes to the next.
    [[gnu::noinline]] void withdraw(waiter& one) noexcept {
        wakers_to_call<Waker> woken;
        bool is_left = false;
        {
            const lock_scope guard(lock_);
            one.leave();
            is_left = serve(one.answer_ == permit_answer::taken ? one.wanted_ : 0, woken);
        }
        go_on(woken, is_left);
        one.waker = Waker();
    }

    void give_back(std::size_t n) noexcept {
        // Relaxed: a stale value fails the exchange, or is not believed under the lock.
        auto seen = word_.load(std::memory_order::relaxed);
        for (;;) {
            while ((seen & waiting) == 0) {
                // Release: what the holder has written; pairs with the acquires of try_take() and enter().
                if (word_.compare_exchange_weak(seen, seen + n * one_permit, std::memory_order::release,
                                                std::memory_order::relaxed))
                    return;
            }
            if (give_to_line(n)) return;
            seen = word_.load(std::memory_order::relaxed);  // as at the beginning
        }
    }

    /// Who waits is woken and finds it closed; nobody takes anything any more.
    void close() noexcept {
        wakers_to_call<Waker> woken;
        for (bool is_left = true; is_left;) {
            {
                const lock_scope guard(lock_);
                // Release: what came before close(); pairs with the acquires of whoever finds it closed. Permits that come
                // meanwhile are kept, so a read-modify-write.
                word_.fetch_or(closed, std::memory_order::release);
                while (!line_.is_alone() && !woken.is_full()) end_wait(first(), permit_answer::closed, woken);
                is_left = !line_.is_alone();
                // Relaxed: it says nothing, and what the word said before stays in its release sequence.
                if (!is_left) word_.fetch_and(~waiting, std::memory_order::relaxed);
            }
            woken.call();
        }
    }

    bool is_closed() const noexcept {
        return (word_.load(std::memory_order::acquire) & closed) != 0;  // pairs with the release of close()
    }
    /// What try_take() would give at this moment.
    std::size_t available() const noexcept {
        const auto seen = word_.load(std::memory_order::relaxed);  // a figure, true or not when it is read
        return (seen & waiting) != 0 ? 0 : seen / one_permit;
    }
    /// The permits at hand, also those that are too few for the head of the line.
    std::size_t at_hand() const noexcept {
        return word_.load(std::memory_order::relaxed) / one_permit;
    }  // as available()

private:
    static constexpr std::size_t closed = 1;
    static constexpr std::size_t waiting = 2;
    static constexpr std::size_t one_permit = 4;

    waiter& first() noexcept { return static_cast<waiter&>(line_.first()); }

    // Under the lock; the last access to `one`.
    static void end_wait(waiter& one, permit_answer answer, wakers_to_call<Waker>& woken) noexcept {
        one.answer_ = answer;
        woken.take(one);
    }

    [[gnu::noinline]] permit_answer enter(waiter& one, const Waker& to_wake) noexcept {
        Waker mine = to_wake;  // dropped after the lock was given back, if it is not needed
        const lock_scope guard(lock_);
        auto seen =
            word_.load(std::memory_order::relaxed);  // the flags are written under the lock, and the exchange acquires
        for (;;) {
            if ((seen & closed) != 0) return permit_answer::closed;
            if ((seen & waiting) != 0) break;
            const bool is_enough = seen / one_permit >= one.wanted_;
            // Acquire: as in try_take(), for this one or, through the lock, for who takes what serve() leaves.
            if (word_.compare_exchange_weak(seen, is_enough ? seen - one.wanted_ * one_permit : seen | waiting,
                                            std::memory_order::acquire, std::memory_order::relaxed)) {
                if (is_enough) return permit_answer::taken;
                break;
            }
        }
        std::swap(one.waker, mine);
        line_.push_back(one);
        return permit_answer::pending;
    }

    // Under the lock: adds `n` and grants what there is, in order. True: `woken` is full, and there is more to grant.
    bool serve(std::size_t n, wakers_to_call<Waker>& woken) noexcept {
        auto seen = word_.load(std::memory_order::relaxed);  // while `waiting` is set the lock shows it
        while ((seen & waiting) == 0) {
            // The line was emptied before somebody left it who had been granted, or went on serving it. Relaxed: what came
            // with the permits was released by the store of the hold that granted them, whose release sequence this does not
            // end.
            if (n == 0 || word_.compare_exchange_weak(seen, seen + n * one_permit, std::memory_order::relaxed,
                                                      std::memory_order::relaxed))
                return false;
        }
        seen += n * one_permit;
        bool is_left = false;
        while (!line_.is_alone() && (seen & closed) == 0 && seen / one_permit >= first().wanted_) {
            is_left = woken.is_full();
            if (is_left) break;
            seen -= first().wanted_ * one_permit;
            end_wait(first(), permit_answer::taken, woken);
        }
        if (line_.is_alone()) seen &= ~waiting;
        // Release: what came with the permits that are left; pairs with the acquires of try_take() and enter().
        word_.store(seen, std::memory_order::release);
        return is_left;
    }

    // False: nobody waits any more, and nothing was given.
    [[gnu::noinline]] bool give_to_line(std::size_t n) noexcept {
        wakers_to_call<Waker> woken;
        bool is_left = false;
        {
            const lock_scope guard(lock_);
            // Relaxed: written under the lock while it is set. Not in serve(): whoever takes what is given here without having
            // waited may destroy all this before the lock is given back.
            // re-check: the line may have been emptied before the lock was taken
            if ((word_.load(std::memory_order::relaxed) & waiting) == 0) return false;
            is_left = serve(n, woken);
        }
        go_on(woken, is_left);
        return true;
    }

    void go_on(wakers_to_call<Waker>& woken, bool is_left) noexcept {
        woken.call();
        while (is_left) {
            {
                const lock_scope guard(lock_);
                is_left = serve(0, woken);
            }
            woken.call();
        }
    }

    typename Sync::template atomic<std::size_t> word_;
    typename Sync::short_lock lock_;
    ring_links line_;  // guarded by the lock; in the order of the first polls
};

}  // namespace pollux::inline v0::detail

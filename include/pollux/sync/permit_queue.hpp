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
// Where one side gives permits back one by one, and others take them, they change one word for each permit. With a
// reserve that side adds to a word of its own, and what it has added is collected, all of it, by who finds too few in
// the first word.
// Claim 6: with a reserve claims 1 to 4 hold (5 does not: whoever adds keeps the queue), and nobody is told that
//   there are too few while there are enough. It is collected only under the lock, so it does not shrink in the hold
//   in which somebody has read too few in the first word and then finds it empty. Who then enters the line marks it
//   as wanted in the exchange that finds it empty; from then on, and until the line is empty, whoever adds to it sees
//   that, and serves the line. Collecting acquires what adding released.
//
// Named races: give_back() finds `waiting` and the line is emptied before it has the lock: it starts again. try_take() against
// an exchange that sets `waiting`: one of them fails. A waiter is dropped while it is granted: both under the lock, the grant
// goes on to the next.
#pragma once

#include <atomic>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/sync/permit_reserve.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::detail {

enum class permit_answer : unsigned char { pending, taken, closed };

// Waker: copyable without throwing, movable, wake(), will_wake(other); default-constructed it wakes nobody. Reserve:
// what points to a permit_reserve, or no_permit_reserve.
template <class Waker, class Sync, class Reserve = no_permit_reserve>
class permit_queue {
    static constexpr bool has_reserve = !std::is_same_v<Reserve, no_permit_reserve>;

public:
    /// Stands in a future, which is dropped or taken to its end by one thread at a time.
    class waiter : waiter_links<Waker> {
        friend permit_queue;
        std::size_t wanted_ = 0;                         // constant while it stands in the line
        permit_answer answer_ = permit_answer::pending;  // guarded by the lock
    };

    explicit permit_queue(std::size_t permits, Reserve reserve = Reserve()) noexcept
        : word_(permits), reserve_(reserve) {}
    permit_queue(const permit_queue&) = delete;
    permit_queue& operator=(const permit_queue&) = delete;

    /// More do not fit into the word.
    static constexpr std::size_t most_permits() noexcept { return ~std::size_t{0} >> 3; }

    /// Takes `n` permits, or answers pending: somebody waits, or there are too few.
    [[nodiscard]] permit_answer try_take(std::size_t n) noexcept {
        // Acquire: pairs with the release of close(), and with that of give_back() and serve() for the permits. On failure too.
        auto seen = word_.load(std::memory_order::acquire);
        return take_at_hand(n, seen) ? permit_answer::taken : try_take_again(n, seen);
    }
    /// One look, in few instructions. True: took one. False says nothing.
    [[nodiscard]] bool try_take_one() noexcept {
        auto seen = word_.load(std::memory_order::relaxed);  // the exchange acquires
        const auto left = seen - 1;
        if (left >= waiting - 1) [[unlikely]]  // none, or flags: one comparison
            return false;
        // Acquire: as in try_take().
        if (word_.compare_exchange_strong(seen, left, std::memory_order::acquire, std::memory_order::relaxed))
            [[likely]]
            return true;
        // Who has been quicker takes the next one sooner if it is left alone; so do we afterwards.
        Sync::stand_back();
        return false;
    }

    /// The first poll of who wants `n` permits. Pending: `one` stands in the line, and `to_wake` will be woken.
    [[nodiscard]] permit_answer start(waiter& one, std::size_t n, const Waker& to_wake) noexcept {
        one.wanted_ = n;
        const auto answer = try_take(n);
        return answer == permit_answer::pending ? enter(one, to_wake) : answer;
    }
    /// The same after try_take_one(): looks closer under the lock only.
    [[nodiscard]] permit_answer start_with_one(waiter& one, const Waker& to_wake) noexcept {
        one.wanted_ = 1;
        auto seen = word_.load(std::memory_order::relaxed);  // as in try_take_one()
        return take_at_hand(1, seen) ? permit_answer::taken : enter(one, to_wake);
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
                if (word_.compare_exchange_weak(seen, seen + n, std::memory_order::release, std::memory_order::relaxed))
                    return;
            }
            if (give_to_line(n)) return;
            seen = word_.load(std::memory_order::relaxed);  // as at the beginning
        }
    }

    /// The reserve is wanted: whoever stands in the line is served from it.
    [[gnu::noinline]] void serve_from_reserve() noexcept {
        wakers_to_call<Waker, 1> woken;  // mostly, for what was added is one permit
        bool is_left = false;
        {
            const lock_scope guard(lock_);
            // Relaxed, as in give_to_line(). If the line was emptied meanwhile, the permits stay where they are.
            if ((word_.load(std::memory_order::relaxed) & waiting) == 0) return;
            is_left = serve(reserve_->collect(), woken);
        }
        go_on(woken, is_left);
    }
    /// The permits at hand, with those of the reserve. While nobody waits.
    std::size_t count() noexcept {
        const lock_scope guard(lock_);
        auto seen = word_.load(std::memory_order::relaxed);  // a figure: a stale one is of before this call
        static_cast<void>(collect(seen));
        return permits_in(seen);
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
                if (!is_left) {
                    // Relaxed: it says nothing, and what the word said before stays in its release sequence.
                    word_.fetch_and(~waiting, std::memory_order::relaxed);
                    reserve_->want_no_longer();
                }
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
        return (seen & waiting) != 0 ? 0 : permits_in(seen);
    }
    /// The permits at hand, also those that are too few for the head of the line.
    std::size_t at_hand() const noexcept {
        return permits_in(word_.load(std::memory_order::relaxed));
    }  // as available()

private:
    // Above the number of permits.
    static constexpr std::size_t closed = ~(~std::size_t{0} >> 1);
    static constexpr std::size_t waiting = closed >> 1;

    static constexpr std::size_t permits_in(std::size_t word) noexcept { return word & (waiting - 1); }

    waiter& first() noexcept { return static_cast<waiter&>(line_.first()); }

    // `seen` is the word; after a failure, what it was then.
    bool take_at_hand(std::size_t n, std::size_t& seen) noexcept {
        while (seen >= n && seen < waiting) [[likely]] {  // enough, and no flags
            // Acquire: as in try_take(), for the permits; on failure for the flags, which it then answers by.
            if (word_.compare_exchange_weak(seen, seen - n, std::memory_order::acquire, std::memory_order::acquire))
                [[likely]]
                return true;
        }
        return false;
    }

    // Under the lock; the last access to `one`.
    template <std::size_t Room>
    static void end_wait(waiter& one, permit_answer answer, wakers_to_call<Waker, Room>& woken) noexcept {
        one.answer_ = answer;
        woken.take(one);
    }

    // Under the lock. What is in the reserve goes into the word; false: nothing. `seen` is the word, as it is then.
    bool collect(std::size_t& seen) noexcept {
        const auto more = reserve_->collect();
        if (more == 0) return false;
        // Release: what came with them; pairs with the acquires of try_take() and enter(). What it says of `closed`
        // the lock shows.
        seen = word_.fetch_add(more, std::memory_order::release) + more;
        return true;
    }

    // After try_take() has seen flags, or too few.
    [[gnu::noinline]] permit_answer try_take_again(std::size_t n, std::size_t seen) noexcept {
        if (!has_reserve || seen >= waiting)
            return (seen & closed) != 0 ? permit_answer::closed : permit_answer::pending;
        const lock_scope guard(lock_);
        // Acquire: read before the reserve (claim 6). The flags are written under the lock.
        seen = word_.load(std::memory_order::acquire);
        for (;;) {
            if ((seen & closed) != 0) return permit_answer::closed;
            if ((seen & waiting) != 0) return permit_answer::pending;
            if (seen < n) {
                if (!collect(seen)) return permit_answer::pending;
            } else if (word_.compare_exchange_weak(seen, seen - n,
                                                   std::memory_order::acquire,     // as in try_take()
                                                   std::memory_order::relaxed)) {  // comes to the exchange again
                return permit_answer::taken;
            }
        }
    }

    [[gnu::noinline]] permit_answer enter(waiter& one, const Waker& to_wake) noexcept {
        Waker mine = to_wake;  // dropped after the lock was given back, if it is not needed
        const lock_scope guard(lock_);
        auto seen =
            word_.load(std::memory_order::relaxed);  // the flags are written under the lock, and the exchange acquires
        for (;;) {
            if ((seen & closed) != 0) return permit_answer::closed;
            if ((seen & waiting) != 0) break;
            const bool is_enough = permits_in(seen) >= one.wanted_;
            if (!is_enough && collect(seen)) continue;
            // Acquire: as in try_take(), for this one or, through the lock, for who takes what serve() leaves.
            if (word_.compare_exchange_weak(seen, is_enough ? seen - one.wanted_ : seen | waiting,
                                            std::memory_order::acquire, std::memory_order::relaxed)) {
                if (is_enough || take_what_has_come(one.wanted_)) return permit_answer::taken;
                break;
            }
        }
        std::swap(one.waker, mine);
        line_.push_back(one);
        return permit_answer::pending;
    }

    // Under the lock, with `waiting` just set and nobody in the line: what has come into the reserve since it was
    // found empty. False: too few, and the reserve is wanted.
    bool take_what_has_come(std::size_t n) noexcept {
        while (!reserve_->want()) {
            const auto more = reserve_->collect();
            // Relaxed: claim 2. Release: what came with them, as in serve().
            const auto seen = word_.load(std::memory_order::relaxed) + more;
            const bool is_enough = permits_in(seen) >= n;
            word_.store(is_enough ? (seen - n) & ~waiting : seen, std::memory_order::release);
            if (is_enough) return true;
        }
        return false;
    }

    // Under the lock: adds `n` and grants what there is, in order. True: `woken` is full, and there is more to grant.
    template <std::size_t Room>
    bool serve(std::size_t n, wakers_to_call<Waker, Room>& woken) noexcept {
        auto seen = word_.load(std::memory_order::relaxed);  // while `waiting` is set the lock shows it
        while ((seen & waiting) == 0) {
            // The line was emptied before somebody left it who had been granted, or went on serving it. Relaxed: what came
            // with the permits was released by the store of the hold that granted them, whose release sequence this does not
            // end.
            if (n == 0 ||
                word_.compare_exchange_weak(seen, seen + n, std::memory_order::relaxed, std::memory_order::relaxed))
                return false;
        }
        seen += n;
        bool is_left = false;
        while (!line_.is_alone() && (seen & closed) == 0 && permits_in(seen) >= first().wanted_) {
            is_left = woken.is_full();
            if (is_left) break;
            seen -= first().wanted_;
            end_wait(first(), permit_answer::taken, woken);
        }
        if (line_.is_alone()) {
            seen &= ~waiting;
            reserve_->want_no_longer();
        }
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

    template <std::size_t Room>
    void go_on(wakers_to_call<Waker, Room>& woken, bool is_left) noexcept {
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
    [[no_unique_address]] Reserve reserve_;
};

}  // namespace pollux::inline v0::detail

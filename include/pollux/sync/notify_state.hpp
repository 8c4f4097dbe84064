// SPDX-License-Identifier: MIT
// The line of those who wait to be notified, the one notification that is kept, and the count of those that went to all. Used
// by sync/notify.hpp only; calls the wakers of those who wait.
//
// One word:
//   waiting   somebody stands in the line
//   kept      notify_one() has found nobody; never together with `waiting`
//   calls     how often all were notified, in the rest of the word. Who waits knows the figure from its making: another says
//             that it is notified. It would have to be called 2^62 times meanwhile to be missed.
// Claim 1: as long as `waiting` is set, only the holder of the lock writes the word. It is set under the lock, by an exchange
//   that finds nothing kept, and from then on all other exchanges fail, for they want it clear. It is cleared under the lock,
//   when the line is empty.
// Claim 2: no notification is lost. notify_one() either sets `kept` while nobody is in the line, and then the next start()
//   takes it, by the exchange that would else have set `waiting`; or it takes the first out of the line, under the lock, and
//   marks it. A marked waiter answers it, or is dropped and notifies in its turn. notify_all() changes `calls`: whoever is
//   made later has the new figure; who was made before and is not in the line finds another figure in start(), in the exchange
//   that would have put it there at the latest.
// Claim 3: notify_all() wakes those who stood in the line when it was called, and no others: it moves the line to a list of
//   its own, in the hold in which it changes `calls`. Who is dropped or polled meanwhile leaves that list, under the lock.
// Claim 4: what was written before a notification is seen by who gets it: the word's releases and acquires, or the lock. And by
//   who is made later and does not get it: calls() acquires the figure.
// Claim 5: notify_one() does not touch anything after others can know; nor does notify_all(), unless more than fit into one
//   wakers_to_call wait. As permit_queue.hpp, claim 5; a waiter in the line learns of `calls` under the lock, and so do those
//   who are dropped.
//
// Named races: notify_one() finds `waiting` and the line is emptied before it has the lock: it starts again. A waiter is
// dropped while it is marked: both under the lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "pollux/core/ring_links.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0::detail {

enum class notified_by : unsigned char { nobody, one, all };

// Waker: copyable without throwing, movable, wake(), will_wake(other); default-constructed it wakes nobody.
template <class Waker, class Sync>
class notify_state {
public:
    /// Stands in a future, which is dropped or taken to its end by one thread at a time.
    class waiter : waiter_links<Waker> {
        friend notify_state;
        std::uint64_t calls_ = 0;  // from its making
        bool is_marked_ = false;   // guarded by the lock: notify_one() has taken it out of the line
    };

    notify_state() noexcept = default;
    notify_state(const notify_state&) = delete;
    notify_state& operator=(const notify_state&) = delete;

    /// From now on `calls` counts for it.
    std::uint64_t calls() const noexcept {
        // Acquire: pairs with the releases of notify_all() and notify_line(). Who has their figure is not notified by them, so it
        // looks for itself, and has to see what was written before.
        return word_.load(std::memory_order::acquire) / one_call;
    }

    /// The first poll of who was made at `calls`. By nobody: it stands in the line, and `to_wake` will be woken.
    [[nodiscard]] notified_by start(waiter& one, std::uint64_t calls, const Waker& to_wake) noexcept {
        one.calls_ = calls;
        // Acquire: pairs with the releases of notify_one() and notify_all(). On failure too.
        auto seen = word_.load(std::memory_order::acquire);
        for (;;) {
            if (seen / one_call != calls) return notified_by::all;
            if ((seen & kept) == 0) return enter(one, to_wake);
            // Acquire, both: as for the load.
            if (word_.compare_exchange_weak(seen, seen & ~kept, std::memory_order::acquire, std::memory_order::acquire))
                return notified_by::one;
        }
    }

    /// A poll of who stands in the line. By somebody: it stands there no more.
    [[nodiscard, gnu::noinline]] notified_by look(waiter& one, const Waker& to_wake) noexcept {
        const bool is_waiting = keep_waiting<Waker>(one, to_wake, lock_, [&] {
            if (!is_notified(one)) return false;
            one.leave();  // the list of a notify_all()
            return true;
        });
        if (is_waiting) return notified_by::nobody;
        one.waker = Waker();
        return one.is_marked_ ? notified_by::one : notified_by::all;  // without the lock: it is out of every list
    }

    /// Of who stands in the line: waits no longer. What notify_one() has given it goes to the next.
    [[gnu::noinline]] void withdraw(waiter& one) noexcept {
        wakers_to_call<Waker> woken;
        {
            const lock_scope guard(lock_);
            one.leave();
            if (one.is_marked_) {
                give_one(woken);
            } else {
                const auto seen = word_.load(std::memory_order::relaxed);  // while `waiting` is set the lock shows it
                // Release: `calls` as before, for the acquires of start().
                if ((seen & waiting) != 0 && line_.is_alone()) word_.store(seen & ~waiting, std::memory_order::release);
            }
        }
        woken.call();
        one.waker = Waker();
    }

    void notify_one() noexcept {
        // Relaxed: a stale value fails the exchange, or is not believed under the lock.
        auto seen = word_.load(std::memory_order::relaxed);
        for (;;) {
            while ((seen & waiting) == 0) {
                // Release: what was written before; pairs with the acquires of start(). If one is kept already too: it is as
                // new as this.
                if (word_.compare_exchange_weak(seen, seen | kept, std::memory_order::release,
                                                std::memory_order::relaxed))
                    return;
            }
            wakers_to_call<Waker> woken;
            {
                const lock_scope guard(lock_);
                seen = word_.load(std::memory_order::relaxed);  // while `waiting` is set the lock shows it
                // re-check: the line may have been emptied before the lock was taken
                if ((seen & waiting) == 0) continue;
                give_one(woken);
            }
            woken.call();
            return;
        }
    }

    void notify_all() noexcept {
        auto seen = word_.load(std::memory_order::relaxed);  // as in notify_one()
        for (;;) {
            while ((seen & waiting) == 0) {
                // Release: as in notify_one(); pairs with the acquire of calls(), too.
                if (word_.compare_exchange_weak(seen, seen + one_call, std::memory_order::release,
                                                std::memory_order::relaxed))
                    return;
            }
            if (notify_line()) return;
            seen = word_.load(std::memory_order::relaxed);  // as at the beginning
        }
    }

private:
    static constexpr std::uint64_t waiting = 1;
    static constexpr std::uint64_t kept = 2;
    static constexpr std::uint64_t one_call = 4;

    static waiter& of(ring_links& links) noexcept { return static_cast<waiter&>(links); }

    // Under the lock.
    bool is_notified(const waiter& one) const noexcept {
        // Relaxed: it has changed under the lock if `one` was in the line.
        return one.is_marked_ || word_.load(std::memory_order::relaxed) / one_call != one.calls_;
    }

    [[gnu::noinline]] notified_by enter(waiter& one, const Waker& to_wake) noexcept {
        Waker mine = to_wake;  // dropped after the lock was given back, if it is not needed
        const lock_scope guard(lock_);
        auto seen = word_.load(std::memory_order::acquire);  // as in start()
        for (;;) {
            // re-check: a notify_all() may have come before the lock was taken
            if (seen / one_call != one.calls_) return notified_by::all;
            if ((seen & waiting) != 0) break;
            const bool is_kept = (seen & kept) != 0;
            // Acquire: as in start().
            if (word_.compare_exchange_weak(seen, is_kept ? seen & ~kept : seen | waiting, std::memory_order::acquire,
                                            std::memory_order::acquire)) {
                if (is_kept) return notified_by::one;
                break;
            }
        }
        std::swap(one.waker, mine);
        line_.push_back(one);
        return notified_by::nobody;
    }

    // Under the lock: to the first in the line, or kept.
    void give_one(wakers_to_call<Waker>& woken) noexcept {
        auto seen = word_.load(std::memory_order::relaxed);  // while `waiting` is set the lock shows it
        while ((seen & waiting) == 0) {
            // A marked waiter is dropped, and the line was emptied before. Relaxed: what came before was released by the store
            // that emptied it, under the lock and so after the mark, or later; this does not end its release sequence.
            if (word_.compare_exchange_weak(seen, seen | kept, std::memory_order::relaxed, std::memory_order::relaxed))
                return;
        }
        waiter& first = of(line_.first());
        first.is_marked_ = true;
        woken.take(first);  // the last access to it
        // Release: `calls` as before, for the acquires of start().
        if (line_.is_alone()) word_.store(seen & ~waiting, std::memory_order::release);
    }

    // False: nobody waits any more, and nothing was done.
    [[gnu::noinline]] bool notify_line() noexcept {
        wakers_to_call<Waker> woken;
        ring_links notified;
        for (bool is_first = true, is_left = true; is_left; is_first = false) {
            {
                const lock_scope guard(lock_);
                if (is_first) {
                    const auto seen =
                        word_.load(std::memory_order::relaxed);  // while `waiting` is set the lock shows it
                    // re-check: the line may have been emptied before the lock was taken
                    if ((seen & waiting) == 0) return false;
                    notified.take_all_of(line_);
                    // Release: as in notify_all(), for who is not in the line.
                    word_.store((seen & ~waiting) + one_call, std::memory_order::release);
                }
                while (!notified.is_alone() && !woken.is_full()) woken.take(of(notified.first()));
                is_left = !notified.is_alone();
            }
            woken.call();
        }
        return true;
    }

    typename Sync::template atomic<std::uint64_t> word_{0};
    typename Sync::short_lock lock_;
    ring_links line_;  // guarded by the lock; in the order of the first polls
};

}  // namespace pollux::inline v0::detail

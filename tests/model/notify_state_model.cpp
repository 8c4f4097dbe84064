// SPDX-License-Identifier: MIT
// Model of sync/notify_state.hpp: waiting, notifying one and all, and dropping. Stated: nobody sleeps who was notified (the
// checker reports it as a deadlock); each notify_one() reaches one, or is kept; who is notified sees what was written before;
// who was notified may destroy the state.
#include "relacy_sync.hpp"

#include <cstddef>
#include <cstdint>
#include <new>

#include "model_waker.hpp"
#include "pollux/sync/notify_state.hpp"

// Relacy replaces the plain form only; this one must not reach the standard library's.
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

namespace {

using pollux::detail::notified_by;
using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::parker_waker;
using pollux::model::relacy_sync;
using state = pollux::detail::notify_state<parker_waker, relacy_sync>;

template <class Derived, int Threads>
struct notify_suite : pollux::model::suite<Derived, Threads> {
    state* notifications = nullptr;
    parker sleepers[Threads];

    void before() { notifications = new state(); }
    void after() { delete notifications; }

    notified_by wait(unsigned thread) { return wait(thread, notifications->calls()); }
    notified_by wait(unsigned thread, std::uint64_t calls) {
        const parker_waker waker(sleepers[thread]);
        state::waiter waiter;
        auto found = notifications->start(waiter, calls, waker);
        while (found == notified_by::nobody) {
            sleepers[thread].park();
            found = notifications->look(waiter, waker);
        }
        return found;
    }
    /// Polls once or twice and is dropped, notified or not.
    void wait_and_drop(unsigned thread) {
        const parker_waker waker(sleepers[thread]);
        state::waiter waiter;
        auto found = notifications->start(waiter, notifications->calls(), waker);
        if (found == notified_by::nobody && choose(2) == 1) found = notifications->look(waiter, waker);
        if (found == notified_by::nobody) notifications->withdraw(waiter);
        if (found == notified_by::one) notifications->notify_one();
    }
    bool is_one_kept(unsigned thread) {
        const parker_waker waker(sleepers[thread]);
        state::waiter waiter;
        const auto found = notifications->start(waiter, notifications->calls(), waker);
        if (found == notified_by::nobody) notifications->withdraw(waiter);
        return found == notified_by::one;
    }
};

// One waits, one is dropped at any moment, one is notified: the one that waits.
struct one_and_dropped : notify_suite<one_and_dropped, 3> {
    relacy_sync::cell<int> written;

    void thread(unsigned index) {
        if (index == 0) {
            written.store(1);
            notifications->notify_one();
        } else if (index == 1) {
            expect(wait(1) == notified_by::one, "notified by somebody else");
            expect(written.load() == 1, "what came before is not visible");
        } else {
            wait_and_drop(2);
        }
    }
    void after() {
        expect(!is_one_kept(0), "notified twice");
        notify_suite::after();
    }
};

// Two notifications by two threads; one waits, and one or none is kept.
struct two_notifications : notify_suite<two_notifications, 3> {
    void thread(unsigned index) {
        if (index != 0) return notifications->notify_one();
        expect(wait(0) == notified_by::one, "notified by somebody else");
    }
};

// A notification is kept, taken and kept again: who takes the second sees what came before that one.
struct kept_again : notify_suite<kept_again, 3> {
    relacy_sync::atomic<int> first_is_taken{0};
    relacy_sync::cell<int> written;

    void thread(unsigned index) {
        if (index == 0) return notifications->notify_one();
        if (!is_one_kept(index)) return;
        if (index == 1) {
            first_is_taken.store(1, std::memory_order::relaxed);
            written.store(1);
            return notifications->notify_one();
        }
        if (first_is_taken.load(std::memory_order::relaxed) == 1)
            expect(written.load() == 1, "what came before is not visible");
    }
};

// Two wait, each gets one of two notifications that come one after the other, both in the line or kept.
struct two_waiters : notify_suite<two_waiters, 3> {
    relacy_sync::atomic<int> in_line{0};

    void thread(unsigned index) {
        if (index != 0) {
            const parker_waker waker(sleepers[index]);
            state::waiter waiter;
            auto found = notifications->start(waiter, notifications->calls(), waker);
            in_line.fetch_add(1, std::memory_order::relaxed);
            sleepers[0].unpark();
            while (found == notified_by::nobody) {
                sleepers[index].park();
                found = notifications->look(waiter, waker);
            }
            return;
        }
        notifications->notify_one();
        while (in_line.load(std::memory_order::relaxed) != 2) sleepers[0].park();
        notifications->notify_one();
    }
    void after() {
        expect(!is_one_kept(0), "notified twice");
        notify_suite::after();
    }
};

// All who are there, polled or not, and nobody later.
struct all : notify_suite<all, 3> {
    relacy_sync::cell<int> written;
    std::uint64_t made_before = 0;

    void before() {
        notify_suite::before();
        made_before = notifications->calls();
    }
    void thread(unsigned index) {
        if (index == 0) {
            written.store(1);
            notifications->notify_all();
            const parker_waker waker(sleepers[0]);
            state::waiter waiter;
            expect(notifications->start(waiter, notifications->calls(), waker) == notified_by::nobody,
                   "made later and notified");
            notifications->withdraw(waiter);
        } else if (index == 1) {
            expect(wait(1, made_before) == notified_by::all, "notified by somebody else");
            expect(written.load() == 1, "what came before is not visible");
        } else {
            const parker_waker waker(sleepers[2]);
            state::waiter waiter;
            if (notifications->start(waiter, made_before, waker) == notified_by::nobody)
                notifications->withdraw(waiter);
        }
    }
};

// Who is not in the line sees what came before a notify_all(), though the word was written by others since.
struct all_and_line : notify_suite<all_and_line, 3> {
    relacy_sync::cell<int> written;
    std::uint64_t made_before = 0;

    void before() {
        notify_suite::before();
        made_before = notifications->calls();
    }
    void thread(unsigned index) {
        if (index == 0) {
            written.store(1);
            return notifications->notify_all();
        }
        const parker_waker waker(sleepers[index]);
        state::waiter waiter;
        const auto calls = index == 1 ? made_before : notifications->calls();
        const auto found = notifications->start(waiter, calls, waker);
        if (index == 1 && found == notified_by::all) expect(written.load() == 1, "what came before is not visible");
        if (found != notified_by::nobody) return;
        // It leaves the line by itself, or is perhaps taken out of it.
        if (index == 2 && choose(2) == 1) notifications->notify_one();
        notifications->withdraw(waiter);
    }
};

// One and all at once: nobody waits for ever, and the one that waits for it gets the notification or leaves it.
struct one_and_all : notify_suite<one_and_all, 3> {
    relacy_sync::atomic<int> got_one{0};
    relacy_sync::cell<int> written[2];
    std::uint64_t made_before = 0;

    void before() {
        notify_suite::before();
        made_before = notifications->calls();
    }
    void thread(unsigned index) {
        if (index != 2) {
            written[index].store(1);
            return index == 0 ? notifications->notify_all() : notifications->notify_one();
        }
        const bool is_one = wait(2, made_before) == notified_by::one;
        expect(written[is_one ? 1 : 0].load() == 1, "what came before is not visible");
        if (is_one) got_one.store(1, std::memory_order::relaxed);
    }
    void after() {
        const bool is_kept = is_one_kept(0);
        expect(is_kept != (got_one.load(std::memory_order::relaxed) == 1),
               "the notification is lost, or there are two");
        notify_suite::after();
    }
};

// Who is made after a notify_all() is not notified by it, so it must see what was written before, or it would wait for ever.
struct made_then_looked : notify_suite<made_then_looked, 2> {
    relacy_sync::atomic<int> flag{0};

    void thread(unsigned index) {
        if (index == 0) {
            flag.store(1, std::memory_order::release);
            return notifications->notify_all();
        }
        const auto calls = notifications->calls();
        if (flag.load(std::memory_order::acquire) == 0) wait(1, calls);
    }
};

// The state says that something is done; who is notified destroys it.
struct destroyed_by_receiver : notify_suite<destroyed_by_receiver, 3> {
    relacy_sync::atomic<int> left{0};
    std::uint64_t made_before = 0;

    void before() {
        notify_suite::before();
        made_before = notifications->calls();
    }
    void thread(unsigned index) {
        if (index == 0) return choose(2) == 1 ? notifications->notify_one() : notifications->notify_all();
        if (index == 1) {
            // Leaves the line at any moment; then the other is told.
            const parker_waker waker(sleepers[1]);
            state::waiter waiter;
            const auto found = notifications->start(waiter, made_before, waker);
            if (found == notified_by::nobody) notifications->withdraw(waiter);
            if (found == notified_by::one) notifications->notify_one();
            left.store(1, std::memory_order::release);
            sleepers[2].unpark();
            return;
        }
        while (left.load(std::memory_order::acquire) == 0) sleepers[2].park();
        wait(2, made_before);
        delete notifications;
    }
    void after() {}
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<one_and_dropped>("one and a drop", 2),
                                   describe<two_notifications>("two notifications", 2),
                                   describe<kept_again>("kept again", 2),
                                   describe<two_waiters>("two waiters", 1, pollux::model::plain_runs, 2),
                                   describe<all>("all", 2),
                                   describe<all_and_line>("all and the line", 2),
                                   describe<one_and_all>("one and all", 2),
                                   describe<made_then_looked>("made then looked", 3),
                                   describe<destroyed_by_receiver>("destroyed by the receiver", 2),
                               });
}

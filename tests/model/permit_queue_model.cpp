// SPDX-License-Identifier: MIT
// Model of sync/permit_queue.hpp: taking, waiting, giving back, dropping and closing. Stated: permits are never more than
// there are, and none is lost; nobody sleeps while there are enough for it (the checker reports it as a deadlock); who has
// taken sees what was written before the permits were given back; nobody overtakes; who has received may destroy the queue.
#include "relacy_sync.hpp"

#include <cstddef>
#include <new>

#include "model_waker.hpp"
#include "pollux/sync/permit_queue.hpp"

// Relacy replaces the plain form only; this one must not reach the standard library's.
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

namespace {

using pollux::detail::permit_answer;
using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::parker_waker;
using pollux::model::relacy_sync;
using queue = pollux::detail::permit_queue<parker_waker, relacy_sync>;
using reserve = pollux::detail::permit_reserve<relacy_sync>;
using reserved_queue = pollux::detail::permit_queue<parker_waker, relacy_sync, reserve*>;

template <class Derived, int Threads, class Queue = queue>
struct queue_suite : pollux::model::suite<Derived, Threads> {
    Queue* permits = nullptr;
    parker sleepers[Threads];

    /// Polls until it has `n`, or the end.
    permit_answer take(unsigned thread, std::size_t n) {
        const parker_waker waker(sleepers[thread]);
        typename Queue::waiter waiter;
        auto answer =
            n == 1 && choose(2) == 1 ? permits->start_with_one(waiter, waker) : permits->start(waiter, n, waker);
        while (answer == permit_answer::pending) {
            sleepers[thread].park();
            answer = permits->look(waiter, waker);
        }
        return answer;
    }
    /// Polls once or twice, and is dropped if it has nothing then.
    bool take_or_drop(unsigned thread, std::size_t n) {
        const parker_waker waker(sleepers[thread]);
        typename Queue::waiter waiter;
        auto answer = permits->start(waiter, n, waker);
        if (answer == permit_answer::pending && choose(2) == 1) answer = permits->look(waiter, waker);
        if (answer == permit_answer::pending) permits->withdraw(waiter);
        return answer == permit_answer::taken;
    }
};

// One permit, three threads in turn: what it guards is plain memory.
struct mutual_exclusion : queue_suite<mutual_exclusion, 3> {
    relacy_sync::cell<int> guarded;

    void before() { permits = new queue(1); }
    void work() {
        guarded.store(guarded.load() + 1);
        permits->give_back(1);
    }
    void thread(unsigned index) {
        if (index == 0) {
            if (choose(2) == 1 ? permits->try_take_one() : permits->try_take(1) == permit_answer::taken) work();
            return;
        }
        expect(take(index, 1) == permit_answer::taken, "refused though it is not closed");
        work();
    }
    void after() {
        expect(permits->available() == 1, "the permit is lost");
        expect(guarded.load() >= 2, "a turn is lost");
        delete permits;
    }
};

// A permit each from two threads, for one that wants two and may be dropped while it waits; what is left is for one who tries.
struct dropped_waiter : queue_suite<dropped_waiter, 3> {
    relacy_sync::cell<int> written;  // by the first, before it gives
    bool first_gave = false;

    void before() { permits = new queue(0); }
    void thread(unsigned index) {
        if (index == 0) {
            written.store(1);
            permits->give_back(1);
        } else if (index == 1) {
            if (take_or_drop(1, 2)) permits->give_back(2);
        } else if (permits->try_take(1) == permit_answer::taken) {
            expect(written.load() == 1, "the permit's story is lost");
            permits->give_back(1);
        } else {
            expect(take(2, 1) == permit_answer::taken, "refused though it is not closed");
            expect(written.load() == 1, "the permit's story is lost");
            permits->give_back(1);
        }
    }
    void after() {
        expect(permits->available() == 1, "a permit is lost or made");
        delete permits;
    }
};

// A waiter for two, one for one behind it or before it that may be dropped; two permits come one after the other.
struct two_waiters : queue_suite<two_waiters, 3> {
    relacy_sync::cell<int> written[2];

    void before() { permits = new queue(0); }
    void thread(unsigned index) {
        if (index == 0) {
            for (auto& each : written) {
                each.store(1);
                permits->give_back(1);
            }
        } else if (index == 1) {
            expect(take(1, 2) == permit_answer::taken, "refused though it is not closed");
            expect(written[0].load() + written[1].load() == 2, "the permits' story is lost");
            permits->give_back(2);
        } else if (take_or_drop(2, 1)) {
            permits->give_back(1);
        }
    }
    void after() {
        expect(permits->available() == 2, "a permit is lost or made");
        delete permits;
    }
};

// The first in the line gets the permit, not who comes later, though it only tries.
struct no_overtaking : queue_suite<no_overtaking, 2> {
    relacy_sync::atomic<int> in_line{0};
    relacy_sync::atomic<int> has_it{0};

    void before() { permits = new queue(0); }
    void thread(unsigned index) {
        if (index == 0) {
            const parker_waker waker(sleepers[0]);
            queue::waiter waiter;
            auto answer = permits->start(waiter, 1, waker);
            if (answer == permit_answer::pending) in_line.store(1, std::memory_order::seq_cst);
            while (answer == permit_answer::pending) {
                sleepers[0].park();
                answer = permits->look(waiter, waker);
            }
            has_it.store(1, std::memory_order::seq_cst);
            return;
        }
        const bool is_waiting = in_line.load(std::memory_order::seq_cst) == 1;
        permits->give_back(1);
        const bool overtakes = permits->try_take(1) == permit_answer::taken;
        expect(!overtakes || !is_waiting, "overtook who waits");
        if (overtakes) permits->give_back(1);
    }
    void after() {
        expect(permits->at_hand() == 0, "a permit is lost or made");
        delete permits;
    }
};

// Closing against waiting and giving: who waits ends, and what was given is kept.
struct closing : queue_suite<closing, 3> {
    relacy_sync::cell<int> written;
    relacy_sync::atomic<int> taken{0};

    void before() { permits = new queue(0); }
    void thread(unsigned index) {
        if (index == 0) {
            written.store(1);
            permits->close();
        } else if (index == 1) {
            permits->give_back(1);
        } else if (take(2, 1) == permit_answer::taken) {
            taken.store(1, std::memory_order::relaxed);
        } else {
            expect(written.load() == 1, "what came before the close is not visible");
        }
    }
    void after() {
        expect(permits->at_hand() + static_cast<std::size_t>(taken.load(std::memory_order::relaxed)) == 1,
               "a permit is lost or made");
        expect(permits->try_take(0) == permit_answer::closed, "open again");
        delete permits;
    }
};

// Whoever sees it closed without having waited sees what came before.
struct closed_and_seen : queue_suite<closed_and_seen, 2> {
    relacy_sync::cell<int> written;

    void before() { permits = new queue(1); }
    void thread(unsigned index) {
        if (index == 0) {
            written.store(1);
            return permits->close();
        }
        const bool is_closed = choose(2) == 1 ? permits->is_closed() : permits->try_take(1) == permit_answer::closed;
        if (is_closed) expect(written.load() == 1, "what came before the close is not visible");
    }
    void after() { delete permits; }
};

// The queue says that something is done; who has received destroys it.
struct destroyed_by_receiver : queue_suite<destroyed_by_receiver, 3> {
    void before() { permits = new queue(0); }
    void thread(unsigned index) {
        if (index == 0) return permits->give_back(2);
        if (index == 1) {
            // Leaves the line at any moment; then the other is told.
            const parker_waker waker(sleepers[1]);
            queue::waiter waiter;
            if (permits->start(waiter, 1, waker) == permit_answer::pending)
                permits->withdraw(waiter);
            else
                permits->give_back(1);
            left.store(1, std::memory_order::release);
            sleepers[2].unpark();
            return;
        }
        while (left.load(std::memory_order::acquire) == 0) sleepers[2].park();
        for (;;) {
            // Without waiting, or waiting.
            if (choose(2) == 1 ? permits->try_take(2) == permit_answer::taken : take(2, 2) == permit_answer::taken)
                break;
            pollux::model::wait_a_turn();
        }
        delete permits;
    }

    relacy_sync::atomic<int> left{0};
};

// Thread 0 gives permits back through the reserve.
template <class Derived, int Threads>
struct reserve_suite : queue_suite<Derived, Threads, reserved_queue> {
    reserve* returned = nullptr;
    relacy_sync::cell<int> written[2];  // before the first permit, and the second

    void before() {
        returned = new reserve();
        this->permits = new reserved_queue(0, returned);
    }
    void give() {
        if (returned->add()) this->permits->serve_from_reserve();
    }
    void give_two() {
        for (auto& each : written) {
            each.store(1);
            give();
        }
    }
    void after(std::size_t left) {
        expect(this->permits->count() == left, "a permit is lost or made");
        expect(this->permits->available() == left, "somebody is thought to wait");
        delete this->permits;
        delete returned;
    }
};

// Two permits come; one is for who waits until it has it, the other for who may be dropped, or only tries.
struct reserve_and_waiters : reserve_suite<reserve_and_waiters, 3> {
    void thread(unsigned index) {
        if (index == 0) return give_two();
        if (index == 1) {
            expect(take(1, 1) == permit_answer::taken, "refused though it is not closed");
            expect(written[0].load() == 1, "the permit's story is lost");
        } else if (choose(2) == 1 ? permits->try_take(1) == permit_answer::taken : take_or_drop(2, 1)) {
            expect(written[0].load() == 1, "the permit's story is lost");
            permits->give_back(1);
        }
    }
    void after() { reserve_suite::after(1); }
};

// Both permits are for one; another takes one meanwhile and gives it back to the word.
struct reserve_for_two : reserve_suite<reserve_for_two, 3> {
    void thread(unsigned index) {
        if (index == 0) return give_two();
        if (index == 1) {
            expect(take(1, 2) == permit_answer::taken, "refused though it is not closed");
            expect(written[0].load() + written[1].load() == 2, "the permits' story is lost");
        } else if (permits->try_take(1) == permit_answer::taken) {
            permits->give_back(1);
        }
    }
    void after() { reserve_suite::after(0); }
};

// Who comes after a permit has come gets it, though another is just collecting it in vain.
struct reserve_in_transit : reserve_suite<reserve_in_transit, 3> {
    relacy_sync::atomic<int> has_come{0};
    bool has_it = false;

    void thread(unsigned index) {
        if (index == 0) {
            give();
            has_come.store(1, std::memory_order::release);
        } else if (index == 1) {
            if (has_come.load(std::memory_order::acquire) == 0) return;
            has_it = permits->try_take(1) == permit_answer::taken;
            expect(has_it, "told that there is none while there is one");
        } else {
            expect(permits->try_take(2) == permit_answer::pending, "a permit is made");
        }
    }
    void after() { reserve_suite::after(has_it ? 0 : 1); }
};

// Who tries for two takes one from the reserve, and one that was given back to the word, with what was done under it.
struct reserve_and_word : reserve_suite<reserve_and_word, 3> {
    relacy_sync::cell<int> guarded;
    std::size_t left = 2;

    void before() {
        reserve_suite::before();
        permits->give_back(1);
    }
    void thread(unsigned index) {
        if (index == 0) return give();
        if (index == 1) {
            if (permits->try_take(2) != permit_answer::taken) return;
            guarded.store(1);
            left = 0;
        } else if (permits->try_take(1) == permit_answer::taken) {
            guarded.store(2);
            permits->give_back(1);
        }
    }
    void after() { reserve_suite::after(left); }
};

// Closing against waiting and giving: who waits ends, and what was given is kept.
struct reserve_closed : reserve_suite<reserve_closed, 3> {
    relacy_sync::cell<int> before_close;
    bool has_one = false;

    void thread(unsigned index) {
        if (index == 0) return give_two();
        if (index == 1) {
            before_close.store(1);
            return permits->close();
        }
        const auto answer = choose(2) == 1 ? permits->try_take(1) : take(2, 1);
        has_one = answer == permit_answer::taken;
        if (answer == permit_answer::closed)
            expect(before_close.load() == 1, "what came before the close is not visible");
    }
    void after() {
        expect(permits->try_take(0) == permit_answer::closed, "open again");
        reserve_suite::after(has_one ? 1 : 2);
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<mutual_exclusion>("mutual exclusion", 2),
                                   describe<dropped_waiter>("dropped waiter", 2),
                                   describe<two_waiters>("two waiters", 1, pollux::model::plain_runs, 2),
                                   describe<no_overtaking>("no overtaking", 3),
                                   describe<closing>("closing", 2),
                                   describe<closed_and_seen>("closed and seen", 3),
                                   describe<destroyed_by_receiver>("destroyed by the receiver", 2),
                                   describe<reserve_and_waiters>("reserve and waiters", 2),
                                   describe<reserve_for_two>("reserve for two", 2),
                                   describe<reserve_in_transit>("reserve in transit", 2),
                                   describe<reserve_and_word>("reserve and word", 2),
                                   describe<reserve_closed>("reserve closed", 2),
                               });
}

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

template <class Derived, int Threads>
struct queue_suite : pollux::model::suite<Derived, Threads> {
    queue* permits = nullptr;
    parker sleepers[Threads];

    /// Polls until it has `n`, or the end.
    permit_answer take(unsigned thread, std::size_t n) {
        const parker_waker waker(sleepers[thread]);
        queue::waiter waiter;
        auto answer = permits->start(waiter, n, waker);
        while (answer == permit_answer::pending) {
            sleepers[thread].park();
            answer = permits->look(waiter, waker);
        }
        return answer;
    }
    /// Polls once or twice, and is dropped if it has nothing then.
    bool take_or_drop(unsigned thread, std::size_t n) {
        const parker_waker waker(sleepers[thread]);
        queue::waiter waiter;
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
            if (permits->try_take(1) == permit_answer::taken) work();
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
                               });
}

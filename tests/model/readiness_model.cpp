// SPDX-License-Identifier: MIT
// Model of driver/readiness.hpp with an edge-triggered system beside it: a buffer of bytes, and an event whenever it was empty and is not
// any longer. Stated: who waits for bytes gets all of them (the checker reports a lost event as a deadlock), a reader's events wake no
// writer, and an event of an older user of the place changes nothing.
#include "relacy_sync.hpp"

#include "model_waker.hpp"
#include "pollux/driver/readiness.hpp"

namespace {

using pollux::detail::ready_bits;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::parker_waker;
using pollux::model::relacy_sync;
using readiness = pollux::detail::readiness<parker_waker, relacy_sync>;
using std::memory_order;

template <class Derived, int Threads>
struct readiness_suite : pollux::model::suite<Derived, Threads> {
    readiness state;
    parker sleepers[Threads];
    // The system: what it does is one step, so a lock stands for its own.
    relacy_sync::short_lock system;
    relacy_sync::cell<int> bytes{0};
    relacy_sync::cell<int> events{0};
    parker harvest;

    void write_byte() {
        {
            const pollux::detail::lock_scope guard(system);
            if (bytes.load() == 0) events.store(events.load() + 1);
            bytes.store(bytes.load() + 1);
        }
        harvest.unpark();
    }
    /// How many there were; 0: it would block.
    int read_all() {
        const pollux::detail::lock_scope guard(system);
        const int there = bytes.load();
        bytes.store(0);
        return there;
    }
    bool take_event() {
        const pollux::detail::lock_scope guard(system);
        const int there = events.load();
        events.store(0);
        return there != 0;
    }
    /// The reactor, until so many events were handed out at least, or all bytes were read.
    template <class Done>
    void react(Done done) {
        while (!done())
            if (take_event())
                state.add(0, ready_bits::readable);
            else
                harvest.park();
    }
    /// A user of the place, until it has read `n` bytes.
    void read(unsigned thread, int n) {
        const parker_waker waker(sleepers[thread]);
        while (n > 0) {
            const auto seen = state.look();
            if ((seen & ready_bits::for_reading) == 0) {
                if (state.wait(ready_bits::for_reading, waker)) sleepers[thread].park();
                continue;
            }
            const int there = read_all();
            n -= there;
            if (there == 0) state.give_up(seen, ready_bits::readable | ready_bits::read_end);
        }
        expect(n == 0, "no byte is read twice");
    }
};

// Bytes come while a user reads, finds nothing, and goes to sleep.
struct bytes_against_reader : readiness_suite<bytes_against_reader, 3> {
    relacy_sync::atomic<int> is_over{0};
    void thread(unsigned index) {
        if (index == 0) {
            write_byte();
            write_byte();
        } else if (index == 1) {
            react([this] { return is_over.load(memory_order::acquire) != 0; });
        } else {
            read(index, 2);
            is_over.store(1, memory_order::release);
            harvest.unpark();
        }
    }
};

// Two users of one direction: an event wakes both, and the one that finds nothing does not take it from the other.
struct two_readers : readiness_suite<two_readers, 4> {
    relacy_sync::atomic<int> left{2};
    void thread(unsigned index) {
        if (index == 0) {
            write_byte();
            write_byte();
        } else if (index == 1) {
            react([this] { return left.load(memory_order::acquire) <= 0; });
        } else {
            const parker_waker waker(sleepers[index]);
            readiness::waiter place;
            while (left.load(memory_order::acquire) > 0) {
                const auto seen = state.look();
                if ((seen & ready_bits::for_reading) == 0) {
                    if (state.wait(place, ready_bits::for_reading, waker)) sleepers[index].park();
                    continue;
                }
                const int there = read_all();
                if (there == 0)
                    state.give_up(seen, ready_bits::readable | ready_bits::read_end);
                else if (left.fetch_sub(there, memory_order::acq_rel) == there) {
                    // All are read: the other may wait for what will not come.
                    harvest.unpark();
                    sleepers[5 - index].unpark();
                }
            }
            state.forget(place);
        }
    }
};

// What was written before the event is seen by who was woken by it. Plain memory: the order is what is stated.
struct event_shows_what_came_before : readiness_suite<event_shows_what_came_before, 2> {
    relacy_sync::cell<int> payload{0};
    void thread(unsigned index) {
        if (index == 0) {
            payload.store(7);
            state.add(0, ready_bits::writable);
        } else {
            const parker_waker waker(sleepers[index]);
            while ((state.look() & ready_bits::for_writing) == 0)
                if (state.wait(ready_bits::for_writing, waker)) sleepers[index].park();
            expect(payload.load() == 7, "the event is seen with what came before it");
        }
    }
};

// The place changes hands while an event of its older user is handed out.
struct late_event : readiness_suite<late_event, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            state.add(0, ready_bits::readable);
        } else {
            const std::uint32_t next = state.renew();
            expect(next == 1 && state.generation_of(state.look()) == 1, "it is the next generation's");
            const auto before = state.look();
            expect((before & ready_bits::for_reading) == 0, "it begins with no bits");
            state.add(next, ready_bits::writable);
            expect((state.look() & ready_bits::for_reading) == 0, "a late event changes nothing");
        }
    }
};

// The runtime ends while a user looks and goes to sleep.
struct end_against_wait : readiness_suite<end_against_wait, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            state.add(state.generation_of(state.look()), ready_bits::cancelled);
        } else {
            const parker_waker waker(sleepers[index]);
            readiness::waiter place;
            for (;;) {
                const auto seen = state.look();
                if ((seen & ready_bits::cancelled) != 0) break;
                state.give_up(seen, ready_bits::writable | ready_bits::write_end);
                if (state.wait(place, ready_bits::for_writing, waker)) sleepers[index].park();
            }
        }
    }
};

// A user is polled again with another waker while an event comes: that one is woken, or sees it.
struct other_waker_against_event : readiness_suite<other_waker_against_event, 2> {
    parker older;
    void thread(unsigned index) {
        if (index == 0) {
            state.add(0, ready_bits::readable);
        } else {
            const parker_waker before(older), now(sleepers[index]);
            (void)state.wait(ready_bits::for_reading, before);
            while ((state.look() & ready_bits::for_reading) == 0)
                if (state.wait(ready_bits::for_reading, now)) sleepers[index].park();
        }
    }
};

// One reads by the place itself and one by a line: an event is for both.
struct user_and_other : readiness_suite<user_and_other, 3> {
    void thread(unsigned index) {
        if (index == 0) return state.add(0, ready_bits::readable | ready_bits::writable);
        const parker_waker waker(sleepers[index]);
        readiness::waiter place;
        while ((state.look() & ready_bits::for_reading) == 0)
            if (index == 1 ? state.wait(ready_bits::for_reading, waker)
                           : state.wait(place, ready_bits::for_reading, waker))
                sleepers[index].park();
        state.forget(place);
    }
};

// One who waits is dropped while it is woken.
struct drop_against_event : readiness_suite<drop_against_event, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            state.add(0, ready_bits::readable);
        } else {
            const parker_waker waker(sleepers[index]);
            readiness::waiter place;
            (void)state.wait(place, ready_bits::for_reading, waker);
            state.forget(place);
        }
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<bytes_against_reader>("bytes come while a reader goes to sleep", 3),
                                   describe<two_readers>("two readers of one direction", 1),
                                   describe<event_shows_what_came_before>("an event shows what came before it", 4),
                                   describe<late_event>("an event for an older user of the place", 4),
                                   describe<end_against_wait>("the end of the runtime while somebody goes to sleep", 4),
                                   describe<other_waker_against_event>("another waker while an event comes", 4),
                                   describe<user_and_other>("the user and another wait for one event", 3),
                                   describe<drop_against_event>("one who waits is dropped while it is woken", 4),
                               });
}

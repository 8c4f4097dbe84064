// SPDX-License-Identifier: MIT
// Model of sink/detail/half_lock.hpp: two parties take the lock in turn, and wait for it with a waker.
// Stated: one party at a time has the lock, what one did under it is visible to the next, nobody sleeps though the lock
// is free (the checker reports it as a deadlock), the slot is touched by one thread at a time, no waker is lost or
// dropped twice.
#include "model_waker.hpp"

#include <optional>

#include "pollux/sink/detail/half_lock.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::model_waker;
using pollux::model::relacy_sync;

template <class Derived>
struct lock_suite : pollux::model::suite<Derived, 2> {
    using lock_type = pollux::detail::half_lock<model_waker, relacy_sync>;

    std::optional<lock_type> lock;   // destroyed by hand: the wakers are counted after that
    model_waker::target targets[4];  // two for each party
    relacy_sync::cell<int> guarded{0};
    int turns = 0;

    void before() {
        lock.emplace();
        guarded.store(0);
    }
    /// Waits with one waker, or with two in turn.
    void take_a_turn(unsigned party, bool changes_waker) {
        for (unsigned polls = 0;; ++polls) {
            auto& who = targets[2 * party + (changes_waker ? polls % 2 : 0)];
            if (lock->try_lock(model_waker(who))) break;
            // Polled again though nobody woke it, as a future may be, and with another waker: the latest counts.
            if (changes_waker && polls == 0) continue;
            who.park();
        }
        guarded.store(guarded.load() + 1);
        lock->unlock();
    }
    void after() {
        expect(guarded.load() == turns, "a turn was lost");
        lock.reset();
        for (auto& who : targets)
            expect(who.owners.load(std::memory_order::relaxed) == 0, "wakers were lost or dropped twice");
    }
};

struct one_turn_each : lock_suite<one_turn_each> {
    void thread(unsigned index) {
        turns = 2;
        take_a_turn(index, false);
    }
};

struct two_turns_each : lock_suite<two_turns_each> {
    void thread(unsigned index) {
        turns = 4;
        take_a_turn(index, false);
        take_a_turn(index, false);
    }
};

struct another_waker : lock_suite<another_waker> {
    void thread(unsigned index) {
        turns = 4;
        take_a_turn(index, true);
        take_a_turn(index, true);
    }
};

// One party gives up after it has left its waker behind: the other may wake it for nothing.
struct give_up : lock_suite<give_up> {
    void thread(unsigned index) {
        turns = 2;
        if (index == 1) {
            take_a_turn(1, false);
            return take_a_turn(1, false);
        }
        if (lock->try_lock(model_waker(targets[0]))) lock->unlock();
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<one_turn_each>("one turn each", 3),
                                   describe<two_turns_each>("two turns each", 3),
                                   describe<another_waker>("another waker", 3),
                                   describe<give_up>("give up", 3),
                               });
}

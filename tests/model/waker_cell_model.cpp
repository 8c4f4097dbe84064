// SPDX-License-Identifier: MIT
// Model of sync/waker_cell.hpp: one side stores wakers and looks for events, others bring the events about and wake.
// Stated: nobody sleeps although its event came (the checker reports it as a deadlock), the event is visible after the
// wake-up, the slot is touched by one thread at a time, no waker is lost or dropped twice.
#include "model_waker.hpp"

#include "pollux/core/waker_cell.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::model_waker;
using pollux::model::relacy_sync;

template <class Derived, int Threads>
struct cell_suite : pollux::model::suite<Derived, Threads> {
    pollux::detail::waker_cell<model_waker, relacy_sync> cell;
    model_waker::target targets[2];
    relacy_sync::atomic<int> events[2];

    void bring_about(unsigned event) {
        events[event].store(1, std::memory_order::relaxed);  // the cell alone makes it visible
        cell.wake();
    }
    /// Polls until `needed` events have come, with one waker or with both in turn.
    void wait(unsigned needed, bool changes_waker) {
        for (unsigned polls = 0;; ++polls) {
            auto& who = targets[changes_waker ? polls % 2 : 0];
            cell.store(model_waker(who));
            unsigned seen = 0;
            for (unsigned i = 0; i != needed; ++i) seen += events[i].load(std::memory_order::relaxed) != 0;
            if (seen == needed) return;
            who.park();
            // Woken by store() itself while another thread is at the slot: a scheduler lets that thread go on, too.
            pollux::model::wait_a_turn();
        }
    }
    void after() {
        cell.take();
        for (auto& who : targets)
            expect(who.owners.load(std::memory_order::relaxed) == 0, "wakers were lost or dropped twice");
    }
};

struct store_and_wake : cell_suite<store_and_wake, 2> {
    void thread(unsigned index) {
        if (index == 0) return wait(1, false);
        bring_about(0);
    }
};

struct two_events_in_turn : cell_suite<two_events_in_turn, 2> {
    void thread(unsigned index) {
        if (index == 0) return wait(2, true);
        bring_about(0);
        bring_about(1);
    }
};

struct two_events_at_once : cell_suite<two_events_at_once, 3> {
    void thread(unsigned index) {
        if (index == 0) return wait(2, false);
        bring_about(index - 1);
    }
};

// The second waker replaces the first, which stays unused or is on its way to be woken.
struct store_twice : cell_suite<store_twice, 2> {
    void thread(unsigned index) {
        if (index == 1) return bring_about(0);
        cell.store(model_waker(targets[0]));
        cell.store(model_waker(targets[1]));
        if (events[0].load(std::memory_order::relaxed) == 0) targets[1].park();
        // Woken by the event, or by store() because the event's thread was at the slot: then the waiter comes again.
        cell.store(model_waker(targets[1]));
        if (events[0].load(std::memory_order::relaxed) == 0) targets[1].park();
    }
};

// The same waker stored again while it may be taken.
struct store_again : cell_suite<store_again, 3> {
    void thread(unsigned index) {
        if (index == 1) return bring_about(0);
        if (index == 2) return cell.take().wake();
        cell.store(model_waker(targets[0]));
        wait(1, false);
    }
};

// A poll that finds its waker in place stores none.
template <class Derived, int Threads>
struct keep_suite : cell_suite<Derived, Threads> {
    void wait_with_one(unsigned needed) {
        auto& who = this->targets[0];
        this->cell.store(model_waker(who));
        for (;;) {
            unsigned seen = 0;
            for (unsigned i = 0; i != needed; ++i) seen += this->events[i].load(std::memory_order::relaxed) != 0;
            if (seen == needed) return;
            who.park();
            pollux::model::wait_a_turn();
            if (!this->cell.keep()) this->cell.store(model_waker(who));
        }
    }
};

// Woken by somebody else, too, so that a poll finds its waker in place.
struct keep : keep_suite<keep, 3> {
    void thread(unsigned index) {
        if (index == 0) return wait_with_one(1);
        if (index == 1) return bring_about(0);
        targets[0].unpark();
    }
};

struct keep_for_two : keep_suite<keep_for_two, 3> {
    void thread(unsigned index) {
        if (index == 0) return wait_with_one(2);
        bring_about(index - 1);
    }
};

// Kept and looked at once more, as a poll that comes by chance does.
struct keep_and_look : cell_suite<keep_and_look, 2> {
    void thread(unsigned index) {
        if (index == 1) return bring_about(0);
        cell.store(model_waker(targets[0]));
        if (!cell.keep()) cell.store(model_waker(targets[0]));
        if (events[0].load(std::memory_order::relaxed) == 0) targets[0].park();
        if (!cell.keep()) cell.store(model_waker(targets[0]));
        if (events[0].load(std::memory_order::relaxed) == 0) targets[0].park();
    }
};

// The storing side gives up its registration while others wake.
struct give_up : cell_suite<give_up, 3> {
    void thread(unsigned index) {
        if (index != 0) return bring_about(index - 1);
        cell.store(model_waker(targets[0]));
        cell.take();
        cell.store(model_waker(targets[1]));
        cell.take();
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<store_and_wake>("store and wake", 3),
                                   describe<two_events_in_turn>("two events in turn", 3),
                                   describe<two_events_at_once>("two events at once", 2),
                                   describe<store_twice>("store twice", 3),
                                   describe<store_again>("store again", 2),
                                   describe<keep>("keep", 2),
                                   describe<keep_for_two>("keep for two", 2),
                                   describe<keep_and_look>("keep and look", 3),
                                   describe<give_up>("give up", 2),
                               });
}

// SPDX-License-Identifier: MIT
// Model of lib/scheduler/poll_gate.hpp: a worker that polls two tasks and gives each up, and a watchdog that reads whose poll it is
// in, once or twice. Stated here: what the watchdog reads is there (the task's memory is plain, so a read beside its end is a race
// that Relacy sees), and a mark is taken once, at the end of the poll that it was left for. A task that ends comes to the gate by
// the shared word of task_census.hpp.
#include "relacy_sync.hpp"

#include "scheduler/poll_gate.hpp"
#include "scheduler/task_census.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;
using namespace pollux::detail;

constexpr int tasks = 2;

template <class Derived, bool Asymmetric>
struct gate_suite : pollux::model::suite<Derived, 2> {
    poll_gate<relacy_sync> gate{Asymmetric};
    task_census<relacy_sync, 1> census{1, Asymmetric};
    relacy_sync::atomic<int> task{0};  // a number, from 1 on; 0: none
    relacy_sync::cell<int> contents[tasks + 1];
    int marked = 0;  // the model's own knowledge: for which poll the mark is
    int taken = 0;
    int left = 0;

    void before() {
        for (int i = 1; i <= tasks; ++i) contents[i].store(i);
    }
    void after() { expect(taken == left, "a mark was not taken"); }

    void pause() { pollux::model::wait_a_turn(); }
    void take_mark(int number) {
        gate.wait_until_open([this] { pause(); });
        if (!gate.take_mark()) return;
        expect(marked == number, "the mark is for another poll");
        ++taken;
    }
    void park(int number) {
        task.store(0, std::memory_order::relaxed);
        if (!gate.is_open()) take_mark(number);
    }
    void end(int number) {
        task.store(0, std::memory_order::relaxed);
        if (census.count_end(census.of_worker(0))) take_mark(number);
    }

    /// `reports`: leaves a mark, too.
    void look(bool reports) {
        census.look_closely(true);
        gate.shut();
        const int number = task.load(std::memory_order::acquire);
        if (number != 0) {
            expect(contents[number].load() == number, "the task is gone");
            if (reports) {
                marked = number;
                gate.leave_mark();
                ++left;
            }
        }
        gate.open();
        if (!gate.has_mark()) census.look_closely(false);
    }
};

// One task parks, and goes on elsewhere; the next one ends.
template <bool Asymmetric, bool Reports>
struct park_and_end : gate_suite<park_and_end<Asymmetric, Reports>, Asymmetric> {
    void thread(unsigned index) {
        if (index != 0) return this->look(Reports);
        this->task.store(1, std::memory_order::release);
        this->park(1);
        this->contents[1].store(-1);
        this->task.store(2, std::memory_order::release);
        this->end(2);
        this->contents[2].store(-1);
    }
};

// The watchdog comes back: the gate was open in between.
template <bool Asymmetric>
struct two_looks : gate_suite<two_looks<Asymmetric>, Asymmetric> {
    void thread(unsigned index) {
        if (index != 0) {
            this->look(false);
            return this->look(true);
        }
        this->task.store(1, std::memory_order::release);
        this->end(1);
        this->contents[1].store(-1);
        this->task.store(2, std::memory_order::release);
        this->park(2);
        this->contents[2].store(-1);
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<park_and_end<true, true>>("park_and_end", 3),
                                   describe<park_and_end<true, false>>("park_and_end_unreported", 3),
                                   describe<park_and_end<false, true>>("park_and_end_full_fences", 3),
                                   describe<park_and_end<false, false>>("park_and_end_unreported_full_fences", 3),
                                   describe<two_looks<true>>("two_looks", 2),
                                   describe<two_looks<false>>("two_looks_full_fences", 2),
                               });
}

// SPDX-License-Identifier: MIT
// Model of scheduler/forked_unit.hpp over core/task_state.hpp: a forked child that suspends, events that wake it, and an abort
// of its task from outside. The state words are those that ship; the table of children is a list with one place, under a lock,
// and each step is that of forked_unit.cpp. Stated: after an abort no child stays idle (the task ends, whether or not an event
// comes), the child ends once, it is polled by one thread at a time, its block and the task's are freed once and nobody touches
// them afterwards.
#include "relacy_sync.hpp"

#include "pollux/core/task_state.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;
using namespace pollux::detail;
using states = task_state<relacy_sync>;
using std::memory_order;

}  // namespace

// Not the library's, which the models do not link.
void pollux::detail::reference_overflow() noexcept { expect(false, "too many references"); }

namespace {

enum frame_state { not_suspended, idle, being_polled, gone };
enum leaf_state { no_waker, has_waker, has_come };

// Written when the block is freed, read before each access to its word.
struct block {
    states::word word;
    relacy_sync::cell<int> is_freed{0};

    states::word& state() {
        expect(is_freed.load() == 0, "used after it was freed");
        return word;
    }
    void drop(std::uint64_t references) {
        if (!states::drop_references(state(), references)) return;
        expect(is_freed.load() == 0, "freed twice");
        is_freed.store(1);
    }
};

template <class Derived, int Threads, unsigned Events>
struct child_suite : pollux::model::suite<Derived, Threads> {
    block task;
    block unit;
    relacy_sync::cell<int> frame{not_suspended};
    relacy_sync::cell<unsigned> events_seen{0};
    relacy_sync::atomic<int> leaves[Events];
    relacy_sync::atomic<int> queue{0};
    relacy_sync::cell<int> link{0};  // whoever holds the queue's claim on the unit
    relacy_sync::atomic<int> list_lock{0};
    relacy_sync::cell<int> is_listed{0};
    int ends = 0;  // these are read after the threads have ended

    static inline bool was_abandoned = false;
    static inline bool has_finished = false;
    static bool is_covered() { return was_abandoned && (has_finished || !Derived::may_finish); }
    static constexpr bool may_finish = true;

    // References: membership, the poll's, and the abort handle's.
    void before() { task.word.store(states::running | 3 * states::one_reference, memory_order::relaxed); }

    void lock() {
        while (list_lock.exchange(1, memory_order::acquire) != 0) pollux::model::wait_a_turn();
    }
    void unlock() { list_lock.store(0, memory_order::release); }

    // --- forked_unit.cpp ---
    void make_header() {
        if (frame.load() != not_suspended) return;
        frame.store(being_polled);
        unit.word.store(states::running | 2 * states::one_reference, memory_order::relaxed);
        lock();
        is_listed.store(1);
        unlock();
    }
    void ended() {
        lock();
        is_listed.store(0);
        unlock();
        (void)states::to_complete(unit.state());
        unit.drop(2);
    }
    void wake_all() {
        lock();
        if (is_listed.load() == 1) wake();
        unlock();
    }
    void park() {
        if (states::is_cancelled(task.state())) return abandon();
        frame.store(idle);
        if (states::to_idle(unit.state()) == idle_action::reschedule) push();
    }
    void run() {
        expect(link.load() == 1, "the link was overwritten in the queue");
        (void)states::to_running(unit.state());
        link.store(0);
        expect(frame.load() == idle, "polled while another thread polls it, or after its end");
        frame.store(being_polled);
        states::is_cancelled(task.state()) ? abandon() : poll();
    }

    // --- what stands around it ---
    void push() {
        link.store(1);
        queue.store(1, memory_order::release);
    }
    void wake() {
        if (states::wake(unit.state()) == wake_action::schedule) push();
    }
    void drain() {
        for (;;) {
            int seen = 1;
            if (!queue.compare_exchange_strong(seen, 0, memory_order::acquire, memory_order::relaxed)) return;
            run();
        }
    }
    // The child and, as it is the last one, its parent and the task.
    void end() {
        ++ends;
        const bool has_header = frame.load() != not_suspended;
        frame.store(gone);
        if (has_header) ended();
        (void)states::to_complete(task.state());
        task.drop(2);
    }
    void abandon() {
        was_abandoned = true;
        int seen = has_waker;  // the leaf that it waits for drops its waker
        if (leaves[events_seen.load()].compare_exchange_strong(seen, no_waker, memory_order::acq_rel,
                                                               memory_order::acquire))
            unit.drop(1);
        end();
    }
    void poll() {
        for (unsigned i = events_seen.load(); i != Events; events_seen.store(++i)) {
            int seen = leaves[i].load(memory_order::acquire);
            if (seen == no_waker) {
                make_header();
                states::add_reference(unit.state());
                if (!leaves[i].compare_exchange_strong(seen, has_waker, memory_order::acq_rel, memory_order::acquire))
                    unit.drop(1);
            }
            if (seen != has_come) return park();
        }
        has_finished = true;
        end();
    }

    // --- other threads ---
    void bring_about(unsigned event) {
        if (leaves[event].exchange(has_come, memory_order::acq_rel) != has_waker) return;
        wake();
        unit.drop(1);
    }
    void abort() {
        expect(states::abort(task.state()) == wake_action::nothing,
               "the task is running until its children have ended");
        wake_all();
        task.drop(1);
    }
    void after() {
        expect(ends == 1, "the child has not ended, or twice");
        expect(task.is_freed.load() == 1, "the task was never freed");
        expect(frame.load() == gone && queue.load(memory_order::relaxed) == 0, "something is left");
        expect(unit.word.load(memory_order::relaxed) == 0 || unit.is_freed.load() == 1, "the child was never freed");
    }
};

struct abort_alone : child_suite<abort_alone, 2, 1> {
    static constexpr bool may_finish = false;
    void thread(unsigned index) {
        index == 0 ? poll() : abort();
        drain();
    }
};

struct event_and_abort : child_suite<event_and_abort, 3, 1> {
    void thread(unsigned index) {
        if (index == 0) poll();
        if (index == 1) bring_about(0);
        if (index == 2) abort();
        drain();
    }
};

// The child is suspended for the second time while it stands in the table already.
struct abort_between_events : child_suite<abort_between_events, 2, 2> {
    static constexpr bool may_finish = false;
    void thread(unsigned index) {
        if (index == 0) poll();
        if (index == 1) {
            bring_about(0);
            abort();
        }
        drain();
    }
};

struct two_events_and_abort : child_suite<two_events_and_abort, 3, 2> {
    void thread(unsigned index) {
        if (index == 0) poll();
        if (index == 1) {
            bring_about(0);
            bring_about(1);
        }
        if (index == 2) abort();
        drain();
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<abort_alone>("abort", 4),
                                   describe<event_and_abort>("an event and an abort", 2),
                                   describe<abort_between_events>("an abort after an event", 4),
                                   describe<two_events_and_abort>("two events and an abort", 2),
                               });
}

// SPDX-License-Identifier: MIT
// Model of include/pollux/core/task_state.hpp: a small task whose fields are plain memory, wakers, a join handle, an abort
// handle, a parent that takes it and the end of the runtime, which aborts it, in every order. Checked by the model checker itself: no field is
// touched by two threads at once, the block is freed exactly once and not used afterwards. Stated here: the future is
// polled and destroyed by one thread at a time and destroyed once, the output is dropped or taken once, each wake-up is
// followed by a whole poll that sees what the waker wrote, nobody sleeps for ever.
#include "relacy_sync.hpp"

#include "pollux/core/task_state.hpp"

namespace {

using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::relacy_sync;
using namespace pollux::detail;
using states = task_state<relacy_sync>;

}  // namespace

// Not the library's, which the models do not link.
void pollux::detail::reference_overflow() noexcept { expect(false, "too many references"); }

namespace {

enum future_state { alive, being_polled, destroyed };
enum output_state { no_output, value, no_value, output_gone };

constexpr unsigned most_events = 2;

// The world of one execution: a queue that holds the task or not, and the events that the future waits for.
struct world {
    relacy_sync::atomic<int> queue{0};
    relacy_sync::atomic<int> events[most_events];
    unsigned events_needed = 0;
    parker joiners[3];  // by waker id
    int frees = 0;      // these are read after the threads have ended
    int polls = 0;
    int cancelled = 0;
    // The list of all tasks, which the thread that ends the runtime walks. Only if there is one.
    bool has_end = false;
    bool is_self_waking = false;  // the future, in its first poll, which lets the next one be ready
    relacy_sync::atomic<int> list_lock{0};
    relacy_sync::cell<int> is_listed{1};

    void lock_list() {
        while (list_lock.exchange(1, std::memory_order::acquire) != 0) pollux::model::wait_a_turn();
    }
    void unlock_list() { list_lock.store(0, std::memory_order::release); }
};

struct task {
    explicit task(world& w) : owner(w) {}

    world& owner;
    states::word word;
    // Written when the block is freed, read before each access to the word: an access that may come later is a data
    // race.
    relacy_sync::cell<int> is_freed{0};
    relacy_sync::cell<int> future{alive};
    relacy_sync::cell<int> output{no_output};
    relacy_sync::cell<int> slot{0};
    relacy_sync::cell<int> is_slot_used{0};  // the waker in it was called, and is gone
    relacy_sync::cell<int> link{0};

    states::word& state() {
        expect(is_freed.load() == 0, "used after it was freed");
        return word;
    }

    void free() {
        is_freed.store(1);
        expect(future.load() == destroyed, "freed with its future");
        expect(output.load() == output_gone, "freed with its output");
        expect(slot.load() == 0 || is_slot_used.load() == 1, "freed with a waker in the slot");
        link.store(-1);
        ++owner.frees;
    }

    void drop(std::uint64_t references) {
        if (states::drop_references(state(), references)) free();
    }

    void push() {
        link.store(1);
        owner.queue.store(1, std::memory_order::release);
    }

    void after_wake(wake_action action) {
        if (action == wake_action::schedule) push();
    }

    void destroy_future() {
        expect(future.load() == alive, "destroyed twice, or while it is polled");
        future.store(destroyed);
    }

    /// Gives up the poll's reference and the membership.
    void finish(int result) {
        expect(output.load() == no_output, "two outputs");
        output.store(result);
        if (owner.has_end) {
            owner.lock_list();
            owner.is_listed.store(0);
            owner.unlock_list();
        }
        const auto seen = states::to_complete(state());
        if ((seen & states::join_interest) == 0) output.store(output_gone);
        if (seen & states::join_waker) {
            const int id = slot.load();
            expect(id != 0, "no waker in the slot");
            owner.joiners[id].unpark();
            is_slot_used.store(1);
        }
        drop(2);
    }

    void cancel() {
        destroy_future();
        ++owner.cancelled;
        finish(no_value);
    }

    bool poll() {
        expect(future.load() == alive, "polled twice at once, or after its end");
        future.store(being_polled);
        bool is_ready = true;
        for (unsigned i = 0; i != owner.events_needed; ++i) {
            if (owner.events[i].load(std::memory_order::relaxed) == 0) is_ready = false;
        }
        if (++owner.polls == 1 && owner.is_self_waking) owner.events[0].store(1, std::memory_order::relaxed);
        future.store(is_ready ? destroyed : alive);
        return is_ready;
    }

    /// What a worker does with a task from the queue.
    void run() {
        expect(link.load() == 1, "the link was overwritten in the queue");
        if (states::to_running(state()) == run_action::cancel) {
            cancel();
            return;
        }
        link.store(2);  // the link is the worker's until the poll ends
        if (poll()) {
            finish(value);
            return;
        }
        switch (states::to_idle(state(), owner.is_self_waking && owner.polls == 1)) {
            case idle_action::parked: return;
            case idle_action::parked_last:
                destroy_future();
                output.store(output_gone);
                free();
                return;
            case idle_action::reschedule: push(); return;
            case idle_action::cancel: cancel(); return;
        }
    }
};

template <class Derived, int Threads>
struct task_suite : pollux::model::suite<Derived, Threads>, world {
    task block{*this};
    task* const it = &block;

    void make(std::uint64_t initial) {
        it->word.store(initial, std::memory_order::relaxed);
        it->link.store(1);
        queue.store(1, std::memory_order::relaxed);
    }

    /// Every thread that may have pushed works the queue off, so it is empty when all have ended.
    void drain() {
        for (;;) {
            int seen = 1;
            if (!queue.compare_exchange_strong(seen, 0, std::memory_order::acquire, std::memory_order::relaxed)) return;
            it->run();
        }
    }

    /// Consumes one reference.
    void wake_once(unsigned event) {
        events[event].store(1, std::memory_order::relaxed);
        if (choose(2) == 0) {
            it->after_wake(states::wake(it->state()));
            it->drop(1);
            return;
        }
        switch (states::wake_and_drop(it->state())) {
            case last_wake_action::nothing: break;
            case last_wake_action::schedule: it->push(); break;
            case last_wake_action::drop_reference: it->drop(1); break;
        }
    }

    /// Ends a task, in the two steps of runtime_core::end_tasks(), without a reference to it: as long as it is listed, it is not complete and lives.
    void end_runtime() {
        lock_list();
        if (is_listed.load() == 1) states::mark_cancelled(it->state());
        unlock_list();
        lock_list();
        if (is_listed.load() == 1) it->after_wake(states::end_marked(it->state()));
        unlock_list();
    }

    /// A parent goes: ends the task, or sees to it that somebody does. Consumes one reference.
    void end_by_parent() {
        if (states::try_claim(it->state())) {
            it->link.store(3);
            it->cancel();
        } else {
            it->after_wake(states::abort(it->state()));
        }
        it->drop(1);
    }

    /// One poll of the join handle. True: the output was taken.
    bool join_poll(int id) {
        auto& t = *it;
        bool is_complete = states::is_complete(t.state());  // an await that is polled again asks this first
        if (!is_complete) {
            const auto seen = states::seen_by_joiner(t.state());
            is_complete = (seen & states::complete) != 0;
            if (!is_complete && (seen & states::join_waker) != 0) {
                if (t.slot.load() == id) return false;
                is_complete = !states::withdraw_join_waker(t.state());
                if (!is_complete) t.slot.store(0);
            }
        }
        if (!is_complete) {
            t.slot.store(id);
            if (states::publish_join_waker(t.state())) return false;
            t.slot.store(0);
        }
        const int result = t.output.load();
        expect(result == value || result == no_value, "no output for the handle");
        t.output.store(output_gone);
        return true;
    }

    void join_drop_handle(bool is_taken) {
        auto& t = *it;
        const auto todo = states::drop_join_handle(t.state());
        if (todo.drop_output && !is_taken) {
            const int result = t.output.load();
            expect(result == value || result == no_value, "no output to drop");
            t.output.store(output_gone);
        }
        if (todo.drop_waker) t.slot.store(0);
        if (todo.drop_reference) t.drop(1);
        expect(todo.drop_output || !is_taken, "an output that was taken, and is not there");
    }

    void after() { expect(frees == 1, "the block was not freed"); }
};

// Two wakers of a detached task, each with a clone that is made and dropped on the way.
struct two_wakers : task_suite<two_wakers, 3> {
    void before() {
        events_needed = 2;
        make(states::initial(false) + 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index != 0) wake_once(index - 1);
        drain();
    }
    void after() {
        task_suite::after();
        expect(cancelled == 0, "cancelled by nobody");
    }
};

// One waker that clones, wakes twice and again after the end.
struct repeated_wakes : task_suite<repeated_wakes, 2> {
    void before() {
        events_needed = 2;
        make(states::initial(false) + states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) {
            states::add_reference(it->state());
            wake_once(0);
            states::add_reference(it->state());
            wake_once(1);
            drain();
            it->after_wake(states::wake(it->state()));
            it->drop(1);
        }
        drain();
    }
};

// The last references of a task that is no member of a runtime and that nobody will wake.
struct forgotten : task_suite<forgotten, 2> {
    void before() {
        events_needed = 1;
        make(states::notified | 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 0) {
            drain();
            return;
        }
        it->slot.store(1);  // an access of this thread that must come before the block is freed
        it->slot.store(0);
        if (states::drop_reference(it->state())) {
            it->destroy_future();
            it->output.store(output_gone);
            it->free();
        }
    }
};

// A task that wakes itself in its first poll, and ends in the second: it is polled again, whatever others do.
struct wakes_itself : task_suite<wakes_itself, 3> {
    void before() {
        is_self_waking = true;
        events_needed = 1;
        make(states::initial(false) + 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) it->after_wake(states::wake(it->state()));
        if (index == 2 && choose(2) == 0) it->after_wake(states::abort(it->state()));
        if (index != 0) it->drop(1);
        drain();
    }
    void after() {
        task_suite::after();
        expect(cancelled == 1 || polls == 2 || polls == 3, "not polled after it has woken itself");
    }
};

struct abort_and_wake : task_suite<abort_and_wake, 3> {
    void before() {
        events_needed = 1;
        make(states::initial(false) + 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) wake_once(0);
        if (index == 2) {
            it->after_wake(states::abort(it->state()));
            it->drop(1);
        }
        drain();
    }
};

// Aborted, and nothing else would ever end it.
struct abort_twice : task_suite<abort_twice, 3> {
    void before() {
        events_needed = 1;
        make(states::initial(false) + 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index != 0) {
            it->after_wake(states::abort(it->state()));
            it->drop(1);
        }
        drain();
    }
    void after() {
        task_suite::after();
        expect(cancelled == 1, "not cancelled");
    }
};

struct end_and_wake : task_suite<end_and_wake, 3> {
    void before() {
        has_end = true;
        events_needed = 1;
        make(states::initial(false) + states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) wake_once(0);
        if (index == 2) end_runtime();
        drain();
    }
};

struct end_and_abort : task_suite<end_and_abort, 3> {
    void before() {
        has_end = true;
        events_needed = 1;
        make(states::initial(false) + states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) {
            it->after_wake(states::abort(it->state()));
            it->drop(1);
        }
        if (index == 2) end_runtime();
        drain();
    }
    void after() {
        task_suite::after();
        expect(cancelled == 1, "not cancelled");
    }
};

// A child that its parent takes while it is woken, and maybe polled.
struct parent_and_wake : task_suite<parent_and_wake, 3> {
    void before() {
        events_needed = 1;
        make((states::initial(false) | states::has_parent) + 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) wake_once(0);
        if (index == 2) end_by_parent();
        drain();
    }
};

// Two parents, as it were, or an abort: one ends it.
struct parent_and_abort : task_suite<parent_and_abort, 3> {
    void before() {
        events_needed = 1;
        make((states::initial(false) | states::has_parent) + 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1 && choose(2) == 0) {
            it->after_wake(states::abort(it->state()));
            it->drop(1);
        } else if (index != 0) {
            end_by_parent();
        }
        drain();
    }
    void after() {
        task_suite::after();
        expect(cancelled == 1, "not cancelled");
    }
};

struct parent_and_end : task_suite<parent_and_end, 3> {
    void before() {
        has_end = true;
        events_needed = 1;
        make((states::initial(false) | states::has_parent) + states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) end_by_parent();
        if (index == 2) end_runtime();
        drain();
    }
    void after() {
        task_suite::after();
        expect(cancelled == 1, "not cancelled");
    }
};

// The end of the runtime has marked a child, and leaves it to its parent; a wake-up comes between.
struct parent_of_marked : task_suite<parent_of_marked, 3> {
    void before() {
        events_needed = 1;
        make((states::initial(false) | states::has_parent) + 2 * states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 1) {
            states::mark_cancelled(it->state());
            end_by_parent();
        }
        if (index == 2) wake_once(0);
        drain();
    }
};

// Nothing but the end of the runtime, once before and once after the first poll.
struct end_of_parked : task_suite<end_of_parked, 2> {
    void before() {
        has_end = true;
        events_needed = 1;
        make(states::initial(false));
    }
    void thread(unsigned index) {
        if (index == 1) end_runtime();
        drain();
    }
    void after() {
        task_suite::after();
        expect(cancelled == 1, "not cancelled");
    }
};

// A join handle that waits with one waker, then with another, then to the end; or is dropped at any stage.
template <class Derived, int Threads>
struct join_suite : task_suite<Derived, Threads> {
    void handle() {
        const unsigned stop_at = choose(4);  // how often it is polled before it is dropped; 3: to the end
        bool taken = false;
        int id = 1;
        for (unsigned polls = 0; !taken; ++polls) {
            if (polls == stop_at && stop_at != 3) break;
            id = polls == 1 || polls == 2 ? 2 : 1;
            taken = this->join_poll(id);
            if (!taken && polls >= 2) this->joiners[id].park();
            if (polls >= 2) expect(polls < 5, "woken, and still not complete");
        }
        this->join_drop_handle(taken);
    }
};

struct join : join_suite<join, 2> {
    void before() { make(states::initial(true)); }
    void thread(unsigned index) {
        if (index == 1) handle();
        drain();
    }
};

struct join_after_wake : join_suite<join_after_wake, 3> {
    void before() {
        events_needed = 1;
        make(states::initial(true) + states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 0) handle();
        if (index == 1) wake_once(0);
        drain();
    }
};

struct join_and_abort : join_suite<join_and_abort, 3> {
    void before() {
        events_needed = 1;
        make(states::initial(true) + states::one_reference);
    }
    void thread(unsigned index) {
        if (index == 0) handle();
        if (index == 1) {
            it->after_wake(states::abort(it->state()));
            it->drop(1);
        }
        drain();
    }
};

struct join_and_end : join_suite<join_and_end, 3> {
    void before() {
        has_end = true;
        events_needed = 1;
        make(states::initial(true));
    }
    void thread(unsigned index) {
        if (index == 0) handle();
        if (index == 1) end_runtime();
        drain();
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<two_wakers>("two_wakers", 2),
                                   describe<repeated_wakes>("repeated_wakes", 3),
                                   describe<forgotten>("forgotten", 3),
                                   describe<wakes_itself>("wakes_itself", 2),
                                   describe<abort_and_wake>("abort_and_wake", 2),
                                   describe<abort_twice>("abort_twice", 2),
                                   describe<end_and_wake>("end_and_wake", 2),
                                   describe<end_and_abort>("end_and_abort", 2),
                                   describe<end_of_parked>("end_of_parked", 3),
                                   describe<parent_and_wake>("parent_and_wake", 2),
                                   describe<parent_and_abort>("parent_and_abort", 2),
                                   describe<parent_and_end>("parent_and_end", 2),
                                   describe<parent_of_marked>("parent_of_marked", 2),
                                   describe<join>("join", 3),
                                   describe<join_after_wake>("join_after_wake", 2),
                                   describe<join_and_abort>("join_and_abort", 2),
                                   describe<join_and_end>("join_and_end", 2),
                               });
}

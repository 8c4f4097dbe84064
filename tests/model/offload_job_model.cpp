// SPDX-License-Identifier: MIT
// Model of offload/job_state.hpp: one future that polls with changing wakers, takes the result or leaves at any moment, and a pool
// that claims the job from a locked queue, runs it or gives it up, and wakes. Stated: the closure ends once, a result that was
// written is destroyed once, the block is freed once and nobody touches it afterwards, the slot and the result are touched by one
// side at a time, and nobody sleeps although the job is done (the checker reports it as a deadlock).
#include "relacy_sync.hpp"

#include "pollux/core/short_lock.hpp"
#include "pollux/offload/job_state.hpp"

namespace {

using pollux::detail::job_complete;
using pollux::detail::job_leave;
using pollux::detail::lock_scope;
using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::relacy_sync;

template <class Derived>
struct job_suite : pollux::model::suite<Derived, 2> {
    pollux::detail::job_state<relacy_sync> state;
    // Plain memory of the block: which waker, closure and result are there. Freeing stores to all of them.
    relacy_sync::cell<int> slot{0};
    relacy_sync::cell<int> closure{1};
    relacy_sync::cell<int> result{0};
    relacy_sync::cell<bool> is_freed{false};

    relacy_sync::short_lock queue_lock;
    relacy_sync::cell<bool> is_queued{true};
    parker sleepers[2];  // of the two wakers
    relacy_sync::atomic<int> stop_requests{0};

    void free_block() {
        expect(!is_freed.load(), "freed twice");
        if (closure.load() == 1) end_closure();
        if (result.load() == 1) result.store(2);
        slot.store(-1);
        is_freed.store(true);
    }
    void end_closure() {
        expect(closure.load() == 1, "the closure was ended twice");
        closure.store(2);
    }

    // The pool's side.
    void work() {
        {
            const lock_scope guard(queue_lock);
            if (!is_queued.load() || !state.claim()) return;
            is_queued.store(false);
        }
        end_closure();
        result.store(1);
        switch (state.complete()) {
            case job_complete::abandoned: return free_block();
            case job_complete::silent: break;
            case job_complete::wake: sleepers[slot.load()].unpark(); break;
        }
        if (state.finish()) free_block();
    }

    // The future's side. True: the job is done.
    bool poll(int waker) {
        if (state.is_done()) return true;
        if (slot.load() == waker) return false;
        if (!state.withdraw()) return true;
        slot.store(waker);
        return !state.publish();
    }
    void leave() {
        if (state.is_done()) {
            expect(result.load() == 1, "a done job has a result");
            result.store(2);
        }
        switch (state.leave([this] { stop_requests.fetch_add(slot.load() >= 0, std::memory_order::relaxed); })) {
            case job_leave::to_the_pool: return;
            case job_leave::free_block: return free_block();
            case job_leave::take_out: break;
        }
        {
            const lock_scope guard(queue_lock);
            is_queued.store(false);
        }
        free_block();
    }
    // After a poll that said so.
    void take() {
        expect(result.load() == 1, "a done job has a result");
        leave();
    }
    void await(int waker) {
        while (!poll(waker)) sleepers[waker].park();
        take();
    }

    void after() {
        expect(is_freed.load(), "the block was never freed");
        expect(closure.load() == 2, "the closure was never ended");
        expect(result.load() != 1, "a result was lost");
    }
};

struct run_and_await : job_suite<run_and_await> {
    void thread(unsigned index) {
        if (index == 1) return work();
        await(0);
    }
};

// Some polls with one waker or the other, then the end with the second.
struct change_wakers : job_suite<change_wakers> {
    void thread(unsigned index) {
        if (index == 1) return work();
        for (int waker : {1, 0})
            if (poll(waker)) return take();
        await(1);
    }
};

struct drop_at_once : job_suite<drop_at_once> {
    void thread(unsigned index) {
        if (index == 1) return work();
        leave();
    }
};

struct drop_after_polls : job_suite<drop_after_polls> {
    void thread(unsigned index) {
        if (index == 1) return work();
        for (unsigned i = choose(3); i != 0; --i) poll(static_cast<int>(choose(2)));
        leave();
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<run_and_await>("run and await", 4),
                                   describe<change_wakers>("change wakers", 4),
                                   describe<drop_at_once>("drop at once", 4),
                                   describe<drop_after_polls>("drop after polls", 3),
                               });
}

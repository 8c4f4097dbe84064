// SPDX-License-Identifier: MIT
// Model of offload/finished_list.hpp: threads of a pool that finish jobs, and workers that run the item and the attendant. Stated: each job
// is visited once, with what was written before its push; no worker sleeps while a job is on the list (the checker reports it as a
// deadlock); item and attendant stand in one queue at most, and who queues one again comes after its last stay there.
#include "relacy_sync.hpp"

#include "offload/finished_list.hpp"

namespace {

using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::relacy_sync;
using std::memory_order;

struct job {
    pollux::model::plain_link<job> next;
    relacy_sync::cell<int> result{0};
    int visits = 0;
};

// A runnable and its queue, which orders a pop behind its push, and no push behind a pop: that is the list's part.
struct queued_item {
    relacy_sync::cell<int> link{0};
    relacy_sync::atomic<int> is_queued{0};

    void push() {
        link.store(1);
        expect(is_queued.exchange(1, memory_order::release) == 0, "an item stands in a queue twice");
    }
    bool pop() {
        if (is_queued.load(memory_order::relaxed) == 0 || is_queued.exchange(0, memory_order::acquire) == 0)
            return false;
        static_cast<void>(link.load());
        return true;
    }
};

// The first threads are the pool's, with a job each, or more for the first; the others are workers.
template <class Derived, int PoolThreads, int Workers, int Jobs>
struct list_suite : pollux::model::suite<Derived, PoolThreads + Workers> {
    static_assert(PoolThreads <= Jobs);

    pollux::detail::finished_list<job, relacy_sync> list;
    job jobs[Jobs];
    queued_item item, attendant;
    parker sleepers[Workers];
    relacy_sync::atomic<int> left{Jobs};

    static inline bool was_brought_in_time = false;
    static inline bool was_brought_late = false;
    static bool is_covered() { return was_brought_in_time && was_brought_late; }

    void wake_workers() {
        for (parker& each : sleepers) each.unpark();
    }
    void finish(job& one) {
        one.result.store(1);
        if (!list.push(one)) return;
        item.push();
        wake_workers();
    }
    void visit(job* newest) {
        int n = 0;
        list.visit(newest, [&](job& one) {
            expect(one.result.load() == 1, "a job without its result");
            one.result.store(2);
            one.next = nullptr;  // it is freed
            ++one.visits;
            ++n;
        });
        if (n != 0 && left.fetch_sub(n, memory_order::relaxed) == n) wake_workers();
    }
    void attend() {
        bool in_time = false;
        job* const newest = list.attend([&] {
            for (unsigned looks = choose(3); looks != 0 && !in_time; --looks) in_time = list.has_come();
            return in_time;
        });
        if (newest != nullptr) {
            (in_time ? was_brought_in_time : was_brought_late) = true;
            visit(newest);
            if (choose(2) != 0) return attendant.push();
        }
        list.attendant_leaves();
    }
    void work(parker& mine) {
        while (left.load(memory_order::relaxed) != 0) {
            if (item.pop()) {
                visit(list.take());
                if (choose(2) != 0 && list.send_attendant()) attendant.push();
            } else if (attendant.pop()) {
                attend();
            } else {
                mine.park();
            }
        }
    }
    void thread(unsigned index) {
        if (index >= PoolThreads) return work(sleepers[index - PoolThreads]);
        finish(jobs[index]);
        if (index == 0)
            for (int more = PoolThreads; more != Jobs; ++more) finish(jobs[more]);
    }
    void after() {
        for (const job& each : jobs) expect(each.visits == 1, "a job was lost or visited twice");
    }
};

// The last worker ends at any moment, maybe with the item in its queue, and then ends the list: once, and again when the pool has ended.
struct end : list_suite<end, 1, 1, 3> {
    parker pool_ended;

    static inline bool was_left_in_queue = false;
    static bool is_covered() { return was_left_in_queue; }

    void thread(unsigned index) {
        if (index == 0) {
            for (job& each : jobs) finish(each);
            return pool_ended.unpark();
        }
        for (unsigned runs = choose(2); runs != 0; --runs)
            if (item.pop()) visit(list.take());
        visit(list.take_at_end());
        was_left_in_queue |= item.is_queued.load(memory_order::relaxed) != 0;
        pool_ended.park();
        visit(list.take_at_end());
    }
};
struct one_by_one : list_suite<one_by_one, 1, 1, 3> {};
struct two_threads : list_suite<two_threads, 2, 1, 3> {};
struct two_workers : list_suite<two_workers, 1, 2, 3> {};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<one_by_one>("one by one", 3),
                                   describe<two_threads>("two threads of the pool", 2),
                                   describe<two_workers>("two workers", 1),
                                   describe<end>("end", 3),
                               });
}

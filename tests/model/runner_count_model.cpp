// SPDX-License-Identifier: MIT
// Model of offload/runner_count.hpp: threads that submit jobs, hosts that run what is enqueued, as oneTBB does, and a pool around the count
// that takes its steps as cpu_pool does. Stated: a job is taken while there is a free slot, be it that the other slots never come free (the checker
// reports a job that is left as a deadlock); not more runners than slots; at the end each job was run or given up once, and no
// runner touches the pool any more.
#include "relacy_sync.hpp"

#include "offload/runner_count.hpp"
#include "pollux/core/short_lock.hpp"

namespace {

using pollux::detail::lock_scope;
using pollux::detail::runner_start;
using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::relacy_sync;
using std::memory_order;

// The first threads submit a job each, the next are hosts. In a suite that stops, one more ends the pool; with `HandsOver` a runner may
// give its host back and send a successor. With `Meets` the last job but one ends only when the last one runs. With `Fails`
// a runner may find no host.
template <class Derived, int Submitters, int Hosts, int Slots, bool Stops = false, bool HandsOver = false,
          bool Meets = false, bool Fails = false, int Jobs = Submitters>
struct pool_suite : pollux::model::suite<Derived, Submitters + Hosts + Stops> {
    pollux::detail::runner_count<relacy_sync> runners{Slots};
    relacy_sync::atomic<int> incoming{0};  // jobs: the stack
    relacy_sync::short_lock lock;
    relacy_sync::atomic<int> queued{0};   // written under the lock
    relacy_sync::cell<int> running{0};    // guarded by it
    relacy_sync::cell<bool> lives{true};  // a runner reads it, the end of the pool writes it

    relacy_sync::atomic<int> enqueued{0};    // runners that no host has taken
    relacy_sync::atomic<int> successors{0};  // the same, of those that hand over
    relacy_sync::atomic<int> hosted{0};
    parker hosts[Hosts];
    parker end;
    relacy_sync::atomic<int> has_ended{!Stops};
    relacy_sync::atomic<int> left{Jobs};
    relacy_sync::atomic<int> ran{0};
    parker meeting, first_runs;

    static inline bool came_back = false;
    static inline bool went_on = false;
    static inline bool gave_up = false;
    static bool is_covered() { return Stops || Fails ? gave_up : Slots != 1 || (came_back && went_on); }

    void wake_hosts() {
        for (parker& each : hosts) each.unpark();
    }
    void job_is_done(int n) {
        if (n != 0 && left.fetch_sub(n, memory_order::relaxed) == n) wake_hosts();
    }

    // --- the pool, as cpu_pool has it ---

    void submit() {
        incoming.fetch_add(1, memory_order::seq_cst);  // (1)
        start_if_needed();
    }
    void start_if_needed() {
        switch (runners.try_start()) {
            case runner_start::no: return;
            case runner_start::closed: return give_up_all();
            case runner_start::start: break;
        }
        if (Fails && choose(2) != 0) return start_failed();
        enqueued.fetch_add(1, memory_order::release);
        wake_hosts();
    }
    void distribute() {
        if (incoming.load(memory_order::seq_cst) == 0) return;
        const int n = incoming.exchange(0, memory_order::acquire);
        queued.store(queued.load(memory_order::relaxed) + n, memory_order::relaxed);
    }
    bool looks_empty() { return incoming.load(memory_order::seq_cst) == 0 && queued.load(memory_order::relaxed) == 0; }
    void start_failed() {
        const lock_scope guard(lock);
        if (runners.start_failed()) give_up_queued();
    }
    void give_up_all() {
        const lock_scope guard(lock);
        give_up_queued();
    }
    void give_up_queued() {
        distribute();
        const int n = queued.load(memory_order::relaxed);
        queued.store(0, memory_order::relaxed);
        gave_up |= n != 0;
        job_is_done(n);
    }
    void run(bool is_first) {
        expect(lives.load(), "a runner of a pool that has ended");
        expect(hosted.fetch_add(1, memory_order::relaxed) < Slots, "more runners than slots");
        if (is_first) runners.has_started();
        bool just_came = true;
        bool has_run = false;
        for (;;) {
            if (HandsOver && has_run && choose(2) != 0) {
                finished_one();
                has_run = false;
                if (!looks_empty()) {
                    hosted.fetch_sub(1, memory_order::relaxed);
                    successors.fetch_add(1, memory_order::release);
                    return wake_hosts();
                }
            }
            bool more = false;
            if (!next(has_run, more)) {
                has_run = false;
                if (!linger()) return;
                just_came = true;
                continue;
            }
            if (just_came && more) start_if_needed();  // (c)
            just_came = false;
            run_job();
            has_run = true;
        }
    }
    void finished_one() {
        const lock_scope guard(lock);
        running.store(running.load() - 1);
    }
    bool next(bool has_run, bool& more) {
        const lock_scope guard(lock);
        if (has_run) running.store(running.load() - 1);
        distribute();
        const int n = queued.load(memory_order::relaxed);
        if (n == 0) return false;
        queued.store(n - 1, memory_order::relaxed);
        running.store(running.load() + 1);
        more = n != 1;
        return true;
    }
    void run_job() {
        const int before = ran.fetch_add(1, memory_order::relaxed);
        if (before == 0) first_runs.unpark();
        if (Meets && before == Jobs - 2) meeting.park();
        if (Meets && before == Jobs - 1) meeting.unpark();
        job_is_done(1);
    }
    bool linger() {
        if (choose(2) != 0 && runners.all_slots_run() && !looks_empty()) return true;
        runners.lingers();
        if (choose(2) == 0 || looks_empty()) return leave_or_stay();
        runners.goes_on();
        went_on = true;
        return true;
    }
    bool leave_or_stay() {
        hosted.fetch_sub(1, memory_order::relaxed);
        runners.leaves();
        const lock_scope guard(lock);
        if (!looks_empty() && runners.comes_back()) {
            expect(hosted.fetch_add(1, memory_order::relaxed) < Slots, "more runners than slots");
            came_back = true;
            return true;
        }
        expect(lives.load(), "a runner of a pool that has ended");
        runners.has_left();
        end.unpark();
        return false;
    }
    void stop() {
        runners.close();
        give_up_all();
        while (!is_over()) end.park();
        lives.store(false);
        has_ended.store(1, memory_order::relaxed);
        wake_hosts();
    }
    bool is_over() {
        const lock_scope guard(lock);
        return queued.load(memory_order::relaxed) == 0 && running.load() == 0 && runners.is_over();
    }

    // --- around it ---

    static bool take(relacy_sync::atomic<int>& from) {
        int seen = from.load(memory_order::relaxed);
        while (seen != 0)
            if (from.compare_exchange_strong(seen, seen - 1, memory_order::acquire, memory_order::relaxed)) return true;
        return false;
    }
    void host(parker& mine) {
        for (;;) {
            if (take(enqueued)) {
                run(true);
            } else if (take(successors)) {
                run(false);
            } else if (left.load(memory_order::relaxed) == 0 && has_ended.load(memory_order::relaxed) != 0) {
                return;
            } else {
                mine.park();
            }
        }
    }
    void thread(unsigned index) {
        if (index < Submitters) return submit();
        if (index < Submitters + Hosts) return host(hosts[index - Submitters]);
        stop();
    }
    void after() {
        expect(left.load(memory_order::relaxed) == 0, "a job was lost, or run and given up");
        const bool all_hosted = enqueued.load(memory_order::relaxed) + successors.load(memory_order::relaxed) == 0;
        expect(!all_hosted || runners.is_over(), "a runner was miscounted");
    }
};

struct one_slot : pool_suite<one_slot, 2, 1, 1> {};
struct two_slots : pool_suite<two_slots, 2, 2, 2> {};
struct jobs_that_meet : pool_suite<jobs_that_meet, 2, 2, 2, false, false, true> {};
// While a runner lingers, the second job comes into the queues by a future on its way out, and then the last one comes.
struct taken_out : pool_suite<taken_out, 2, 2, 2, false, false, true, false, 3> {
    parker second_is_queued;

    void thread(unsigned index) {
        if (index > 1) return host(hosts[index - 2]);
        if (index == 1) {
            second_is_queued.park();
            return submit();
        }
        submit();
        first_runs.park();
        submit();
        {
            const lock_scope guard(lock);
            distribute();
        }
        second_is_queued.unpark();
    }
};
struct successors : pool_suite<successors, 2, 1, 1, false, true> {};
struct stop_meanwhile : pool_suite<stop_meanwhile, 1, 1, 1, true> {};
struct starts_that_fail : pool_suite<starts_that_fail, 2, 1, 2, false, false, false, true> {};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<one_slot>("one slot", 2),
                                   describe<two_slots>("two slots", 0, 100'000, 1),
                                   describe<jobs_that_meet>("jobs that meet", 0, 100'000, 1),
                                   describe<taken_out>("taken out", 0, 50'000, 1),
                                   describe<successors>("successors", 1),
                                   describe<stop_meanwhile>("stop meanwhile", 2),
                                   describe<starts_that_fail>("starts that fail", 1, 20'000, 1),
                               });
}

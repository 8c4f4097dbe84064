// SPDX-License-Identifier: MIT
// Model of scheduler/idle_set.hpp with scheduler/parker.hpp under it: publishers and workers that search, sleep and are
// woken. The workers end when every task has run; a lost wake-up leaves all asleep, which Relacy reports as a deadlock.
// Where a task waits for another one to run, it is a deadlock too if a worker sleeps on while work waits behind a busy
// one.
#include "relacy_sync.hpp"

#include <bit>
#include <optional>
#include <utility>

#include "scheduler/idle_set.hpp"
#include "scheduler/parker.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;
using std::memory_order;

// A futex for the model: the word, and the threads that wait on it.
struct futex_sync : relacy_sync {
    template <class T>
    struct atomic : relacy_sync::atomic<T> {
        using relacy_sync::atomic<T>::atomic;
        rl::atomic<int> waiters;
    };
};
struct model_futex {
    static inline bool is_spurious = false;
    using clock = std::chrono::steady_clock;
    static bool wait(futex_sync::atomic<std::uint32_t>& word, std::uint32_t value, clock::time_point deadline) {
        // The read-modify-write sees the newest value, and no switch comes between it and the sleep: as under the
        // kernel's lock.
        if (word.fetch_add(0, memory_order::relaxed) != value) return true;
        const bool timed = deadline != clock::time_point::max();
        const auto why =
            word.waiters.wait(rl::ctx(), timed, is_spurious, pollux::model::to_relacy(pollux::model::place::current()));
        return why != rl::unpark_reason_timeout;
    }
    static void wake_one(futex_sync::atomic<std::uint32_t>& word) {
        word.waiters.wake(rl::ctx(), 1, pollux::model::to_relacy(pollux::model::place::current()));
    }
};
using parker = pollux::v0::detail::basic_parker<futex_sync, model_futex>;

// Any moment but the one without a deadline: the model's clock has no other.
constexpr auto soon = model_futex::clock::time_point{};
constexpr auto never = model_futex::clock::time_point::max();

// Tasks stand in one word, a bit each. What only steers the model and could not be seen by the code under test is plain
// memory: how many tasks are left to run, and who ended as a searcher.
template <class Derived, int Threads, unsigned Workers, int Tasks, unsigned LeafBits = 64>
struct idle_suite : pollux::model::suite<Derived, Threads> {
    const bool asymmetric = pollux::model::choose(2) == 1;
    pollux::v0::detail::idle_set<relacy_sync, LeafBits, Workers> idle{Workers, asymmetric};
    parker parkers[Workers];
    relacy_sync::atomic<unsigned> queue{0};
    relacy_sync::cell<int> payloads[Tasks];
    int left = Tasks;
    unsigned ended_searching = 0;

    static inline bool claimed_some = false;
    static inline bool slept_some = false;
    static bool is_covered() { return claimed_some && slept_some; }

    void push(int i) {
        payloads[i].store(i + 1);
        queue.fetch_or(1u << i, memory_order::release);
    }
    void wake(std::optional<unsigned> worker) {
        if (!worker) return;
        claimed_some = true;
        parkers[*worker].unpark();
    }
    void publish(int i) {
        push(i);
        wake(idle.after_push());
    }
    void publish_fork(int i) {
        push(i);
        if (asymmetric) {
            relacy_sync::light_fence();
        } else {
            relacy_sync::full_fence();
        }
        if (idle.any_sleeper_word().load(memory_order::relaxed) != 0) wake(idle.after_fork_push());
    }

    int take_one() {
        for (unsigned seen = queue.load(memory_order::relaxed); seen != 0;) {
            const unsigned lowest = seen & (~seen + 1);
            seen = queue.fetch_and(~lowest, memory_order::acquire);
            if ((seen & lowest) != 0) return std::countr_zero(lowest);
        }
        return -1;
    }

    void run(int i) {
        expect(payloads[i].load() == i + 1, "a task is seen with what was written before its push");
        payloads[i].store(0);
        static_cast<Derived&>(*this).body(i);
        if (--left != 0) return;
        for (parker& each : parkers) each.unpark();  // nobody is claimed: spurious wake-ups, as far as idle_set can see
    }
    void body(int) {}

    void work(unsigned self, model_futex::clock::time_point deadline = never, bool is_about_to_sleep = false) {
        for (bool searching = false; left != 0;) {
            if (!searching && !is_about_to_sleep) searching = idle.begin_search();
            is_about_to_sleep = false;
            const int found = searching ? take_one() : -1;
            if (found >= 0) {
                searching = false;
                wake(idle.found_work());
                run(found);
                continue;
            }
            idle.announce_sleep(self, searching, Threads - 1);
            if (queue.load(memory_order::relaxed) != 0) {
                idle.resume_search(self);
                searching = true;
            } else {
                slept_some = true;
                const bool token = parkers[self].park_until(deadline);
                expect(token || deadline != never, "a park without a deadline ends with a token");
                searching = !idle.cancel_sleep(self);
                if (!token) {
                    deadline = never;
                    static_cast<Derived&>(*this).timer();
                }
            }
            if (left == 0 && searching) ++ended_searching;
        }
    }
    void timer() {}

    void after() {
        expect(left == 0 && queue.load(memory_order::relaxed) == 0, "every task has run");
        expect(idle.sleepers() == 0, "nobody is left in the set");
        const unsigned searching = idle.searchers();
        expect(searching == ended_searching, "searchers are counted without drift");
        if (searching == 0) expect(idle.begin_search() && idle.searchers() == 1, "nor does the count run low");
    }
};

// One publisher, Workers workers that may be anywhere between searching and sleeping.
template <int Workers, int Tasks, unsigned LeafBits = 64>
struct push_against_park
    : idle_suite<push_against_park<Workers, Tasks, LeafBits>, Workers + 1, Workers, Tasks, LeafBits> {
    void thread(unsigned index) {
        if (index != 0) return this->work(index - 1);
        for (int i = 0; i != Tasks; ++i) this->publish(i);
    }
};

template <int Workers, unsigned LeafBits = 64>
struct two_publishers : idle_suite<two_publishers<Workers, LeafBits>, Workers + 2, Workers, 2, LeafBits> {
    void thread(unsigned index) {
        if (index > 1) return this->work(index - 2);
        this->publish(static_cast<int>(index));
    }
};

// The first task ends only when the second has run: whoever takes the first must have seen to it that the second is
// taken.
template <int Workers, unsigned LeafBits = 64>
struct long_poll : idle_suite<long_poll<Workers, LeafBits>, Workers + 1, Workers, 2, LeafBits> {
    pollux::model::parker second_has_run;
    void body(int i) {
        if (i == 0) second_has_run.park();
        if (i == 1) second_has_run.unpark();
    }
    void thread(unsigned index) {
        if (index != 0) return this->work(index - 1);
        this->publish(0);
        this->publish(1);
    }
};

// The first worker is in a task that forks another and waits until somebody else has run it: no fence of its own but
// the light one.
template <int Workers, unsigned LeafBits = 64>
struct fork_push : idle_suite<fork_push<Workers, LeafBits>, Workers, Workers, 1, LeafBits> {
    pollux::model::parker child_has_run;
    void body(int) { child_has_run.unpark(); }
    void thread(unsigned index) {
        if (index != 0) return this->work(index);
        this->publish_fork(0);
        child_has_run.park();
    }
};

// The first worker sleeps with a deadline. Its timer pushes a task, then it is as busy with something of its own until
// that task has run.
template <int Workers, unsigned LeafBits = 64>
struct timer_wake : idle_suite<timer_wake<Workers, LeafBits>, Workers + 1, Workers, 2, LeafBits> {
    bool fired = false;
    static inline bool timed_out = false;
    static bool is_covered() { return timer_wake::idle_suite::is_covered() && (Workers > 1 || timed_out); }
    void timer() {
        timed_out = true;
        fire();
    }
    void fire() {
        if (!std::exchange(fired, true)) this->publish(1);
    }
    void body(int i) {
        if (i == 0) fire();  // the first worker may have been claimed before its time
    }
    void thread(unsigned index) {
        if (index == 0) return this->publish(0);
        this->work(index - 1, index == 1 ? soon : never);
    }
};

// The end of a runtime: a mark, then a token for everybody. Nobody is claimed, nobody sleeps on.
template <int Workers, unsigned LeafBits = 64>
struct stop_against_parks : idle_suite<stop_against_parks<Workers, LeafBits>, Workers + 1, Workers, 1, LeafBits> {
    relacy_sync::atomic<int> should_stop{0};
    void before() { this->left = 0; }
    void thread(unsigned index) {
        if (index == 0) {
            should_stop.store(1, memory_order::release);
            for (parker& each : this->parkers) each.unpark();
            return;
        }
        const unsigned self = index - 1;
        bool searching = false;
        while (should_stop.load(memory_order::acquire) == 0) {
            if (!searching) searching = this->idle.begin_search();
            this->idle.announce_sleep(self, searching);
            searching = false;
            if (should_stop.load(memory_order::acquire) != 0) {
                this->idle.resume_search(self);
                searching = true;
                was_kept_awake = true;
                continue;
            }
            this->parkers[self].park();
            expect(this->idle.cancel_sleep(self), "nobody claims anybody here");
            was_woken = true;
        }
        if (searching) ++this->ended_searching;
    }
    static inline bool was_kept_awake = false;
    static inline bool was_woken = false;
    static bool is_covered() { return was_kept_awake && was_woken; }
};

// Two sleepers of one leaf are hidden for a moment by a claim that has found their leaf empty before they came. Tasks pushed in
// that moment wake nobody; the sleeper that the claim then takes must find the other, though its own token has not come.
struct hidden_pair : idle_suite<hidden_pair, 4, 3, 2, 2> {
    pollux::model::parker second_has_run;
    void body(int i) {
        if (i == 0) second_has_run.park();
        if (i == 1) second_has_run.unpark();
    }
    void before() {
        (void)idle.begin_search();  // the third worker, which finds something of its own and does not come back
        idle.announce_sleep(0, false);
        (void)idle.cancel_sleep(0);  // the bit of the leaf stays behind
    }
    void thread(unsigned index) {
        if (index == 0) return wake(idle.found_work());
        if (index != 1) return work(index - 2, never, true);
        push(0);
        push(1);
        wake(idle.after_push());
    }
};

// The same, and who pushed is a worker that searches then. The claimed one leaves the search before it, so it leaves the other
// sleeper to it: the last searcher must find it.
struct hidden_pair_and_searcher : idle_suite<hidden_pair_and_searcher, 4, 4, 3, 2> {
    pollux::model::parker third_has_run[2];
    void body(int i) {
        if (i != 2) return third_has_run[i].park();
        for (auto& each : third_has_run) each.unpark();
    }
    void before() {
        (void)idle.begin_search();  // the fourth worker, as above
        idle.announce_sleep(0, false);
        (void)idle.cancel_sleep(0);
    }
    void thread(unsigned index) {
        if (index == 0) return wake(idle.found_work());
        if (index != 1) return work(index - 2, never, true);
        for (int i = 0; i != 3; ++i) push(i);
        wake(idle.after_push());
        work(2);
    }
};

template <int Workers>
struct spurious_wakes : push_against_park<Workers, 2> {
    spurious_wakes() { model_futex::is_spurious = true; }
    ~spurious_wakes() { model_futex::is_spurious = false; }
};

// The parker alone: what came before each of two unparks, merged or not, is seen once both tokens are taken. The owner
// sleeps for ever if it took the second token and still cannot see both.
struct two_unparks : pollux::model::suite<two_unparks, 3> {
    parker one;
    relacy_sync::atomic<int> sent[2];
    void thread(unsigned index) {
        if (index != 2) {
            sent[index].store(1, memory_order::relaxed);
            one.unpark();
            return;
        }
        while (sent[0].load(memory_order::relaxed) == 0 || sent[1].load(memory_order::relaxed) == 0) one.park();
    }
};

// The same with a deadline that is over at any moment: then the owner looks once more and parks without one.
struct unpark_against_deadline : pollux::model::suite<unpark_against_deadline, 2> {
    parker one;
    relacy_sync::atomic<int> sent{0};
    void thread(unsigned index) {
        if (index == 0) {
            sent.store(1, memory_order::relaxed);
            one.unpark();
            return;
        }
        if (!one.park_until(soon)) one.park();
        expect(sent.load(memory_order::relaxed) == 1, "a token is taken with what came before it");
    }
};

// What an owner may sleep in: an interrupt ends this wait or the next.
struct model_elsewhere {
    pollux::model::parker event;
    void wait(model_futex::clock::time_point) { event.park(); }
    void interrupt() { event.unpark(); }
};

// The owner sleeps elsewhere, or here: it sleeps for ever if the interrupt is lost. That there is an elsewhere is seen by who
// interrupts it.
struct two_unparks_elsewhere : pollux::model::suite<two_unparks_elsewhere, 3> {
    parker one;
    model_elsewhere elsewhere;
    relacy_sync::cell<model_elsewhere*> shown{nullptr};
    relacy_sync::atomic<int> sent[2];
    void thread(unsigned index) {
        if (index != 2) {
            sent[index].store(1, memory_order::relaxed);
            if (one.unpark()) shown.load()->interrupt();
            return;
        }
        shown.store(&elsewhere);
        for (bool here = false; sent[0].load(memory_order::relaxed) == 0 || sent[1].load(memory_order::relaxed) == 0;
             here = !here)
            if (here)
                one.park();
            else
                one.park_in(elsewhere, model_futex::clock::time_point::max());
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(
        argc, argv,
        {
            describe<two_unparks>("parker: two unparks", 3),
            describe<two_unparks_elsewhere>("parker: two unparks, one sleeps elsewhere", 3),
            describe<unpark_against_deadline>("parker: an unpark against the deadline", 4),
            describe<push_against_park<1, 1>>("a push against the park of the only worker", 4),
            describe<push_against_park<1, 2>>("two pushes, one worker", 3),
            describe<push_against_park<2, 1>>("a push against two workers", 2),
            describe<push_against_park<2, 2, 1>>("two pushes, two workers, summary word", 1, 50'000, 1),
            describe<push_against_park<3, 2, 2>>("two pushes, three workers, summary word", 0, 50'000, 0),
            describe<two_publishers<1>>("two publishers, one worker", 2),
            describe<two_publishers<2>>("two publishers, two workers", 0, 50'000),
            describe<long_poll<2>>("no task waits behind a busy worker", 1, 50'000, 1),
            describe<long_poll<2, 1>>("no task waits behind a busy worker, summary word", 1, 100'000, 1),
            describe<long_poll<3, 1>>("no task waits behind one of three workers, summary word", 0, 100'000, 0),
            describe<hidden_pair>("two sleepers hidden by a claim", 0, 300'000),
            describe<hidden_pair_and_searcher>("two sleepers hidden by a claim, and a searcher", 0, 300'000),
            describe<fork_push<2>>("a fork push against a park", 3),
            describe<fork_push<3, 1>>("a fork push, three workers, summary word", 1),
            describe<timer_wake<1>>("a worker woken by its timer", 3),
            describe<timer_wake<2, 1>>("a worker woken by its timer, two workers, summary word", 0, 100'000, 0),
            describe<stop_against_parks<1>>("the end against a park", 3),
            describe<stop_against_parks<2, 1>>("the end against two parks, summary word", 2),
            describe<spurious_wakes<1>>("spurious wakes", 2),
            describe<spurious_wakes<2>>("spurious wakes, two workers", 0, 50'000, 0),
        });
}

// SPDX-License-Identifier: MIT
// Model of lib/scheduler/task_census.hpp: workers whose tasks spawn and end, a thread outside that spawns, and one that ends the
// runtime. Stated here: whoever is told that all tasks have ended finds none alive and none accepted later; somebody is told.
#include "relacy_sync.hpp"

#include "scheduler/task_census.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;
using namespace pollux::detail;

template <class Derived, int Threads, unsigned Workers, bool Asymmetric>
struct census_suite : pollux::model::suite<Derived, Threads> {
    using census_type = task_census<relacy_sync, 1>;

    census_type census{Workers, Asymmetric};
    // The model's own knowledge: exact, whatever threads see of each other.
    int alive = 0;
    bool is_told = false;

    void after() {
        expect(alive == 0, "a task is left");
        expect(is_told, "nobody was told");
    }

    void told(bool all_have_ended) {
        if (!all_have_ended) return;
        expect(alive == 0, "told while a task lives");
        is_told = true;
    }
    void spawn_before_all(unsigned worker) {
        ++alive;
        expect(census.spawned_in_task(census.of_worker(worker)), "refused at the beginning");
    }

    /// In a task of `worker`. True: there is one more, which somebody has to end.
    bool spawn_in_task(unsigned worker) {
        ++alive;  // before the call: it lives from its spawn on
        if (census.spawned_in_task(census.of_worker(worker))) return true;
        --alive;
        return false;
    }
    void end_task(unsigned worker) {
        --alive;
        told(census.ended(census.of_worker(worker)));
    }
};

// Two workers end a task each while the runtime ends.
template <bool Asymmetric>
struct two_ends : census_suite<two_ends<Asymmetric>, 3, 2, Asymmetric> {
    void before() {
        this->spawn_before_all(0);
        this->spawn_before_all(1);
    }
    void thread(unsigned index) {
        if (index != 2)
            this->end_task(index);
        else
            this->told(this->census.end());
    }
};

// A task spawns another, which moves to another worker and spawns one, too.
template <bool Asymmetric>
struct chain : census_suite<chain<Asymmetric>, 3, 2, Asymmetric> {
    relacy_sync::atomic<int> queue{0};  // 1: a task to be run, 2: there will be none

    void before() { this->spawn_before_all(0); }
    void thread(unsigned index) {
        if (index == 2) return this->told(this->census.end());
        if (index == 0) {
            const bool spawned = this->spawn_in_task(0);
            this->end_task(0);
            queue.store(spawned ? 1 : 2, std::memory_order::release);
            return;
        }
        int seen;
        while ((seen = queue.load(std::memory_order::acquire)) == 0) pollux::model::wait_a_turn();
        if (seen == 2) return;
        const bool more = this->spawn_in_task(1);
        this->end_task(1);
        if (more) this->end_task(1);
    }
};

// A thread outside spawns while a worker ends what there was.
template <bool Asymmetric>
struct from_outside : census_suite<from_outside<Asymmetric>, 3, 1, Asymmetric> {
    relacy_sync::atomic<int> queue{0};  // 1: a task to be run, 2: there will be none

    void before() { this->spawn_before_all(0); }
    void thread(unsigned index) {
        if (index == 2) return this->told(this->census.end());
        if (index == 0) {
            this->end_task(0);
            int seen;
            while ((seen = queue.load(std::memory_order::acquire)) == 0) pollux::model::wait_a_turn();
            if (seen == 1) this->end_task(0);
            return;
        }
        switch (this->census.spawned_elsewhere(0)) {
            case spawn_answer::accepted:
                expect(!this->is_told, "accepted after the end was told");
                ++this->alive;
                queue.store(1, std::memory_order::release);
                return;
            case spawn_answer::refused: break;
            case spawn_answer::refused_and_all_ended: this->told(true); break;
        }
        queue.store(2, std::memory_order::release);
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<two_ends<true>>("two_ends", 3),
                                   describe<two_ends<false>>("two_ends_full_fences", 3),
                                   describe<chain<true>>("chain", 2),
                                   describe<chain<false>>("chain_full_fences", 2),
                                   describe<from_outside<true>>("from_outside", 3),
                                   describe<from_outside<false>>("from_outside_full_fences", 3),
                               });
}

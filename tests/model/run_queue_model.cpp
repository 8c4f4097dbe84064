// SPDX-License-Identifier: MIT
// Model of scheduler/run_queue.hpp: each item is taken once or overflows once, with all that was written before its
// push, in an order that keeps its promise, under every schedule. The races named in that file are the scenarios. A
// ring of four slots behaves as one of 256 and is searched sooner.
#include "relacy_sync.hpp"

#include "scheduler/run_queue.hpp"

namespace {

using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;

constexpr std::uint64_t last_index = (std::uint64_t{1} << 48) - 1;  // indices come round in every scenario

struct item {
    relacy_sync::cell<int> payload;
    relacy_sync::cell<int> taken;  // by plain stores: two takers are a data race even if each sees the other's
};

using queue = pollux::v0::detail::run_queue<item, relacy_sync, 4>;

// One owner (thread 0) with a queue that thieves rob into their own queues.
template <class Derived, int Threads, int Items>
struct queue_suite : pollux::model::suite<Derived, Threads> {
    queue victim{last_index - 1};
    queue mine[Threads];
    item items[Items];
    // What the injection queue would have got, only from the owner.
    item* overflowed[Items] = {};
    int overflow_count = 0;
    int pushed = 0;
    int newest_popped = -1;

    struct overflow {
        queue_suite& suite;
        void push(item* one) noexcept { push_batch(&one, 1); }
        void push_batch(item** batch, std::size_t n) noexcept {
            for (std::size_t i = 0; i != n; ++i) {
                expect(i == 0 || batch[i - 1] < batch[i], "a batch is oldest first");
                suite.overflowed[suite.overflow_count++] = batch[i];
            }
            expect(n == 1 || n == 3, "alone, or with the newer half");
            expect(n == 1 || batch[0] == batch[n - 1] - (n - 1), "the newest ones leave");
            (n == 1 ? seen_alone : seen_batch) = true;
        }
    };

    void push() {
        items[pushed].payload.store(pushed + 1);
        overflow to{*this};
        victim.push(&items[pushed], to);
        ++pushed;
    }
    // What has no room comes later.
    void push_some(int n) {
        item* some[Items];
        for (int i = 0; i != n; ++i) {
            items[pushed + i].payload.store(pushed + i + 1);
            some[i] = &items[pushed + i];
        }
        pushed += static_cast<int>(victim.push_some(some, static_cast<std::uint32_t>(n)));
    }
    void push_to_thief(int n) {
        overflow to{*this};
        for (; n != 0; --n, ++pushed) {
            items[pushed].payload.store(pushed + 1);
            mine[1].push(&items[pushed], to);
        }
    }
    void take(item& one) {
        expect(one.payload.load() == &one - items + 1, "the taker sees what was written before the push");
        expect(one.taken.load() == 0, "an item is taken once");
        one.taken.store(1);
    }
    bool pop() {
        item* const one = victim.pop();
        if (one == nullptr) return false;
        take(*one);
        expect(one - items > newest_popped, "the owner pops the oldest first");
        newest_popped = static_cast<int>(one - items);
        return true;
    }
    void pop_until_empty(queue& from, int newest) {
        while (item* const one = from.pop()) {
            take(*one);
            expect(one - items > newest, "a thief's queue has them in order");
            newest = static_cast<int>(one - items);
        }
    }
    // A steal from the victim, then the thief runs what it got.
    void steal(unsigned thread) {
        item* const one = victim.steal_into(mine[thread]);
        if (one == nullptr) return;
        if (mine[thread].size() != 0) seen_batch_steal = true;
        take(*one);
        pop_until_empty(mine[thread], static_cast<int>(one - items));
        seen_steal = true;
    }
    void after() {
        while (pop()) {}
        expect(victim.looks_empty() && victim.free_slots() == 4, "all slots are free again");
        for (int i = 0; i != overflow_count; ++i) take(*overflowed[i]);
        for (item& one : items)
            if (&one < items + pushed) expect(one.taken.load() == 1, "no item is lost");
    }
    static inline bool seen_steal = false;
    static inline bool seen_batch_steal = false;
    static inline bool seen_alone = false;
    static inline bool seen_batch = false;
};

template <int Threads>
struct last_item : queue_suite<last_item<Threads>, Threads, 2> {
    void thread(unsigned index) {
        if (index != 0) return this->steal(index);
        this->push();
        this->pop();
        this->push();
        this->pop();
        expect(this->victim.looks_empty(), "the owner sees its own pop");
    }
    static bool is_covered() { return last_item::seen_steal; }
};

// A batch is in flight while the owner pops behind it and pushes into what is left.
template <int Threads>
struct pop_during_steal : queue_suite<pop_during_steal<Threads>, Threads, 5> {
    void thread(unsigned index) {
        if (index != 0) return this->steal(index);
        this->push();
        this->push();
        this->push();
        this->pop();
        this->push();
        this->push();
        this->pop();
    }
    static bool is_covered() { return pop_during_steal::seen_batch_steal; }
};

// Several items at once, and as many of three as there is room for, while a batch may be in flight.
template <int Threads>
struct several_at_once : queue_suite<several_at_once<Threads>, Threads, 6> {
    void thread(unsigned index) {
        if (index != 0) return this->steal(index);
        this->push_some(3);
        this->pop();
        const int before = this->pushed;
        this->push_some(3);
        expect(this->pushed > before, "one slot was free before");
        this->pop();
    }
    static bool is_covered() { return several_at_once::seen_batch_steal; }
};

template <int Threads>
struct overflow_and_steal : queue_suite<overflow_and_steal<Threads>, Threads, 7> {
    void before() {
        for (int i = 0; i != 4; ++i) this->push();
    }
    void thread(unsigned index) {
        if (index != 0) {
            this->steal(index);
            if (Threads == 2) this->steal(index);
            return;
        }
        this->push();  // overflows, unless a thief made room
        this->push();
        this->pop();
        this->push();
    }
    static bool is_covered() {
        return overflow_and_steal::seen_batch_steal && overflow_and_steal::seen_alone && overflow_and_steal::seen_batch;
    }
};

// What an overflow leaves in the queue is shown to thieves anew, by one store.
struct overflow_shows : queue_suite<overflow_shows, 2, 5> {
    void thread(unsigned index) {
        if (index != 0) return steal(index);
        for (int i = 0; i != 5; ++i) push();
    }
    static bool is_covered() { return seen_steal && seen_batch; }
};

// A thief that is robbed itself, by another thread and while it still fills its queue.
struct robbed_thief : queue_suite<robbed_thief, 3, 4> {
    void before() {
        for (int i = 0; i != 4; ++i) push();
    }
    void thread(unsigned index) {
        if (index == 0) {
            pop();
            return;
        }
        if (index == 1) return steal(1);
        item* const one = mine[1].steal_into(mine[2]);
        if (one == nullptr) return;
        take(*one);
        seen_second_theft = true;
    }
    static inline bool seen_second_theft = false;
    static bool is_covered() { return seen_second_theft; }
};

// A thief's queue is robbed of slots that it fills again by its own steal: the robber must have read them.
struct refilled_thief : queue_suite<refilled_thief, 2, 8> {
    void before() {
        for (int i = 0; i != 4; ++i) push();
        push_to_thief(4);
    }
    void thread(unsigned index) {
        if (index == 0) {
            item* const one = mine[1].steal_into(mine[0]);
            if (one == nullptr) return;
            take(*one);
            pop_until_empty(mine[0], static_cast<int>(one - items));
            was_robbed = true;
            return;
        }
        pop_until_empty(mine[1], -1);
        steal(1);
    }
    static inline bool was_robbed = false;
    static bool is_covered() { return was_robbed; }
};

// The older half is what a thief's own queue may hold, so what it steals never overflows from there.
struct full_thief : queue_suite<full_thief, 2, 6> {
    void before() {
        for (int i = 0; i != 4; ++i) push();
        push_to_thief(2);
    }
    void thread(unsigned index) {
        if (index == 0) {
            pop();
            return;
        }
        item* const one = victim.steal_into(mine[1]);
        expect(mine[1].size() == 2 && mine[1].free_slots() == 2, "only the one to run now is taken");
        if (one != nullptr) take(*one);
        while (item* const own = mine[1].pop()) take(*own);
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<last_item<2>>("last item", 3),
                                   describe<last_item<3>>("last item, two thieves", 2),
                                   describe<pop_during_steal<2>>("pop during a steal", 3),
                                   describe<pop_during_steal<3>>("pop during a steal, two thieves", 1),
                                   describe<several_at_once<2>>("several at once", 3),
                                   describe<several_at_once<3>>("several at once, two thieves", 1),
                                   describe<overflow_and_steal<2>>("overflow and steal", 2),
                                   describe<overflow_and_steal<3>>("overflow and steal, two thieves", 1),
                                   describe<overflow_shows>("overflow shows the older half", 3),
                                   describe<robbed_thief>("robbed thief", 2),
                                   describe<refilled_thief>("refilled thief", 2),
                                   describe<full_thief>("full thief", 3),
                               });
}

// SPDX-License-Identifier: MIT
// Model of core/fork_deque.hpp: each item is taken once, with all that was written before its push, under every
// schedule and with both kinds of fence, between which the model chooses. The races named in that file are the
// scenarios.
#include "relacy_sync.hpp"

#include "pollux/core/fork_deque.hpp"

namespace {

using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;

constexpr std::int64_t far_index = (std::int64_t{1} << 62) - 1;  // the ring's end is passed at the first push

struct item {
    relacy_sync::cell<int> payload;
    relacy_sync::cell<int> taken;  // by plain stores: two takers are a data race even if each sees the other's
};

// What all scenarios share: the deque, items that are written before the push and read after the take, and the count.
template <class Derived, int Threads, int Items, std::int64_t Slots, std::int64_t MostSlots = 64>
struct deque_suite : pollux::model::suite<Derived, Threads> {
    pollux::v0::detail::fork_deque<item, relacy_sync, MostSlots> deque{choose(2) == 1, Slots, far_index};
    item items[Items];
    relacy_sync::cell<int> stolen[Threads];

    void push(int i) {
        items[i].payload.store(i + 1);
        expect(deque.push(&items[i]), "a push fails only for lack of memory");
    }
    void take(item& one) {
        expect(one.payload.load() == &one - items + 1, "the taker sees what was written before the push");
        expect(one.taken.load() == 0, "an item is taken once");
        one.taken.store(1);
    }
    bool pop() {
        item* const one = deque.pop();
        if (one != nullptr) take(*one);
        return one != nullptr;
    }
    bool pop_own(int expected) {
        const bool got = deque.pop_own();
        if (got) take(items[expected]);
        return got;
    }
    void steal(unsigned thread) {
        item* const one = deque.steal();
        if (one == nullptr) return;
        take(*one);
        stolen[thread].store(stolen[thread].load() + 1);
    }
    void after() {
        while (pop()) {}
        expect(deque.owner_sees_empty() && deque.looks_empty(), "empty after the last pop");
        int thefts = 0;
        for (auto& s : stolen) thefts += s.load();
        for (item& one : items) expect(one.taken.load() == 1, "no item is lost");
        if (thefts == 0) kept_all = true;
        if (thefts != 0) lost_some = true;
    }
    static inline bool kept_all = false;
    static inline bool lost_some = false;
    static bool is_covered() { return kept_all && lost_some; }
};

template <int Threads>
struct last_item : deque_suite<last_item<Threads>, Threads, 2, 2> {
    void thread(unsigned index) {
        if (index != 0) return this->steal(index);
        this->push(0);
        this->pop_own(0);
        this->push(1);
        this->pop();
        expect(this->deque.owner_sees_empty(), "the owner sees its own pop");
    }
};

// The owner takes back items while thieves advance from the other end: two items, so that both can be at work.
template <int Threads>
struct pop_and_push : deque_suite<pop_and_push<Threads>, Threads, 3, 4> {
    void thread(unsigned index) {
        if (index != 0) {
            this->steal(index);
            if (index == 1) this->steal(index);
            return;
        }
        this->push(0);
        this->push(1);
        this->pop();
        this->push(2);
        this->pop();
        this->pop();
    }
};

// Slots of a ring of two are used again as soon as a thief has moved on.
template <int Threads>
struct slot_reuse : deque_suite<slot_reuse<Threads>, Threads, 4, 2> {
    void thread(unsigned index) {
        if (index != 0) {
            this->steal(index);
            if (Threads == 2) this->steal(index);
            return;
        }
        this->push(0);
        this->push(1);
        this->push(2);  // grows, unless something was stolen
        this->pop_own(2);
        this->push(3);
    }
};

template <int Threads>
struct growth : deque_suite<growth<Threads>, Threads, 4, 1> {
    void thread(unsigned index) {
        if (index != 0) {
            this->steal(index);
            if (Threads == 2) this->steal(index);
            return;
        }
        this->push(0);
        this->push(1);
        this->push(2);
        this->pop();
        this->push(3);
    }
};

// A deque that cannot grow: a failed push changes nothing, and succeeds once a thief has made room.
struct no_memory : deque_suite<no_memory, 2, 3, 2, 2> {
    void thread(unsigned index) {
        if (index != 0) return this->steal(index);
        this->push(0);
        this->push(1);
        items[2].payload.store(3);
        if (deque.push(&items[2])) return;
        this->pop();
        this->push(2);
    }
};

// A searching worker that sees an item at rest is told so, whatever the owner did before.
struct look : pollux::model::suite<look, 2> {
    pollux::v0::detail::fork_deque<item, relacy_sync> deque{choose(2) == 1, 2, far_index};
    item items[2];
    relacy_sync::atomic<int> pushed{0};

    void thread(unsigned index) {
        if (index == 0) {
            expect(deque.push(&items[0]) && deque.push(&items[1]), "there is room");
            pushed.store(1, std::memory_order::release);
            expect(deque.pop_own(), "nobody steals here");
            return;
        }
        if (pushed.load(std::memory_order::acquire) == 1) expect(!deque.looks_empty(), "an item at rest is seen");
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<last_item<2>>("last item", 3),
                                   describe<last_item<3>>("last item, two thieves", 2),
                                   describe<pop_and_push<2>>("pop and push", 3),
                                   describe<pop_and_push<3>>("pop and push, two thieves", 2),
                                   describe<slot_reuse<2>>("slot reuse", 3),
                                   describe<slot_reuse<3>>("slot reuse, two thieves", 2),
                                   describe<growth<2>>("growth", 3),
                                   describe<growth<3>>("growth, two thieves", 2),
                                   describe<no_memory>("no memory", 3),
                                   describe<look>("look", 3),
                               });
}

// SPDX-License-Identifier: MIT
// Model of scheduler/next_slot.hpp: each item is taken once for each time it was put in, by the owner, by a thief or as
// the one that was displaced, and the taker sees what was written before. The races named in that file are the
// scenarios.
#include "relacy_sync.hpp"

#include "scheduler/next_slot.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;

struct item {
    relacy_sync::cell<int> times_put;
    relacy_sync::cell<int> times_taken;  // by plain stores: two takers are a data race even if each sees the other's
};

constexpr std::uint64_t long_ago = 0;
constexpr std::uint64_t least_age = 10;
constexpr std::uint64_t thieves_now = 100;
constexpr std::uint64_t too_young = thieves_now - least_age + 1;
constexpr std::uint64_t after_now = thieves_now + 1;  // the owner puts it in after the thief has read its clock

// One owner (thread 0); the others are thieves.
template <class Derived, int Threads>
struct slot_suite : pollux::model::suite<Derived, Threads> {
    pollux::v0::detail::next_slot<item, relacy_sync> slot;
    item items[3];

    void take(item& one) {
        expect(one.times_put.load() == one.times_taken.load() + 1, "taken once, by one who sees that it was put in");
        one.times_taken.store(one.times_put.load());
    }
    void put(item& one, std::uint64_t now = long_ago) {
        one.times_put.store(one.times_put.load() + 1);
        item* const displaced = slot.replace(&one, now);
        if (displaced == nullptr) return;
        take(*displaced);
        was_displaced = true;
    }
    bool take_own() {
        item* const one = slot.take();
        if (one == nullptr) return false;
        take(*one);
        was_taken = true;
        return true;
    }
    item* steal() {
        item* const one = slot.steal(thieves_now, least_age);
        if (one == nullptr) return nullptr;
        take(*one);
        was_stolen = true;
        return one;
    }
    void after() {
        take_own();
        expect(slot.looks_empty(), "it holds one item at most");
        for (item& one : items) expect(one.times_put.load() == one.times_taken.load(), "no item is lost");
    }
    static inline bool was_displaced = false;
    static inline bool was_taken = false;
    static inline bool was_stolen = false;
};

template <int Threads>
struct replace_and_take : slot_suite<replace_and_take<Threads>, Threads> {
    void thread(unsigned index) {
        if (index != 0) {
            this->steal();
            this->steal();
            return;
        }
        this->put(this->items[0]);
        this->put(this->items[1]);
        this->take_own();
        expect(this->slot.looks_empty(), "the owner sees its own taking");
        this->put(this->items[2]);
        this->take_own();
    }
    static bool is_covered() {
        return replace_and_take::was_displaced && replace_and_take::was_taken && replace_and_take::was_stolen;
    }
};

// The item that a thief has seen is taken and put in again before its exchange.
template <int Threads>
struct put_in_again : slot_suite<put_in_again<Threads>, Threads> {
    void thread(unsigned index) {
        if (index != 0) {
            item* const one = this->steal();
            if (one != nullptr && one->times_taken.load() == 2) second_was_stolen = true;
            return;
        }
        this->put(this->items[0]);
        if (!this->take_own()) return;  // the item is the thief's
        this->put(this->items[0]);
        this->take_own();
    }
    static inline bool second_was_stolen = false;
    static bool is_covered() { return second_was_stolen; }
};

// The stamp of the old item is read with the new item: it goes too early, but once.
struct stale_stamp : slot_suite<stale_stamp, 2> {
    void before() { put(items[0]); }
    void thread(unsigned index) {
        if (index == 0) {
            put(items[1], too_young);
            take_own();
        } else if (steal() == &items[1]) {
            went_too_early = true;
        }
    }
    static inline bool went_too_early = false;
    static bool is_covered() { return went_too_early; }
};

// A thief that sees the stamp leaves a young item to the owner, even if it is younger than the thief's clock.
template <std::uint64_t Stamp>
struct young : slot_suite<young<Stamp>, 3> {
    void before() { this->put(this->items[0], Stamp); }
    void thread(unsigned index) {
        if (index != 0) {
            this->steal();
            return;
        }
        expect(this->take_own(), "nobody else takes a young item");
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<replace_and_take<2>>("replace and take", 4),
                                   describe<replace_and_take<3>>("replace and take, two thieves", 3),
                                   describe<put_in_again<2>>("put in again", 4),
                                   describe<put_in_again<3>>("put in again, two thieves", 3),
                                   describe<stale_stamp>("stale stamp", 4),
                                   describe<young<too_young>>("young", 3),
                                   describe<young<after_now>>("younger than the thief's clock", 3),
                               });
}

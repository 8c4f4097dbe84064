// SPDX-License-Identifier: MIT
// Model of signal/two_places.hpp: handlers read a value of two parts while one thread replaces it.
// Stated: both parts are of one value, a place is never read while it is written (the checker reports it as a race), what replace() has
// replaced is not used after it, a handler does not see an older value than one that it could know of.
#include "relacy_sync.hpp"

#include "signal/two_places.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;

struct pair_of_parts {
    relacy_sync::cell<int> first, second;
};

template <class Derived, int Threads>
struct places_suite : pollux::model::suite<Derived, Threads> {
    pollux::detail::two_places<pair_of_parts, relacy_sync> places;
    // As a descriptor: closed by the replacer, used by handlers while they read. Value n stands for the nth.
    relacy_sync::cell<int> uses[4];
    relacy_sync::atomic<int> newest{0};

    void replace(int value) {
        places.replace(
            [&](pair_of_parts& place) {
                place.first.store(value);
                place.second.store(value);
            },
            [] { pollux::model::wait_a_turn(); });
        uses[value - 1].store(-1);  // closed: a race with whoever still uses it
        newest.store(value, std::memory_order::release);
    }
    void read() {
        const int known = newest.load(std::memory_order::acquire);
        places.read([&](const pair_of_parts& place) {
            const int value = place.first.load();
            expect(value == place.second.load(), "parts of two values");
            expect(value >= known, "an older value than the one that was replaced before");
            expect(uses[value].load() != -1, "used after it was closed");
        });
    }
};

struct one_replaced : places_suite<one_replaced, 2> {
    void thread(unsigned index) {
        if (index == 0) return replace(1);
        read();
    }
};

struct replaced_and_back : places_suite<replaced_and_back, 2> {
    void thread(unsigned index) {
        if (index == 1) return read();
        for (int value = 1; value != 4; ++value) replace(value);
    }
};

struct two_readers : places_suite<two_readers, 3> {
    void thread(unsigned index) {
        if (index != 0) return read();
        replace(1);
        replace(2);
    }
};

struct read_twice : places_suite<read_twice, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            replace(1);
            return replace(2);
        }
        read();
        read();
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<one_replaced>("one replaced", 3),
                                   describe<replaced_and_back>("replaced and back", 3),
                                   describe<two_readers>("two readers", 2),
                                   describe<read_twice>("read twice", 3),
                               });
}

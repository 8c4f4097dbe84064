// SPDX-License-Identifier: MIT
// Model of scheduler/injection_queue.hpp: overflow and hand-over under every schedule. Each item is taken once, with
// what was written before its push; each consumer sees the items of a producer in order; looks_empty() keeps a parking
// worker awake. Relacy cannot run Boost.Lockfree: the ring is a word here, which behaves as Boost's queue does, with a
// capacity of one or two.
#include "relacy_sync.hpp"

#include <algorithm>
#include <cstddef>

#include "scheduler/injection_queue.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::relacy_sync;
using std::memory_order;

constexpr int most_items = 8;

struct item {
    pollux::model::plain_link<item> next;
    relacy_sync::cell<int> payload;
    relacy_sync::cell<int> taken;  // by plain stores: two takers are a data race even if each sees the other's
};

// Four bits an item, the oldest lowest: number in the suite plus one.
template <unsigned Capacity>
class word_ring {
public:
    static inline item* items = nullptr;  // of the suite that runs

    bool push(item* one) {
        const auto number = static_cast<unsigned>(one - items) + 1;
        unsigned seen = word_.load(memory_order::relaxed);
        for (;;) {
            unsigned used = 0;
            while ((seen >> 4 * used) != 0) ++used;
            if (used == Capacity) return false;
            if (word_.compare_exchange_strong(seen, seen | number << 4 * used, memory_order::release,
                                              memory_order::relaxed))
                return true;
        }
    }
    item* pop() {
        unsigned seen = word_.load(memory_order::relaxed);
        for (;;) {
            if (seen == 0) return nullptr;
            if (word_.compare_exchange_strong(seen, seen >> 4, memory_order::acquire, memory_order::relaxed))
                return items + (seen & 15) - 1;
        }
    }

private:
    relacy_sync::atomic<unsigned> word_{0};
};

template <class Derived, int Threads, int Items, unsigned Shards = 1, unsigned Capacity = 1, std::size_t MostInRing = 4>
struct inject_suite : pollux::model::suite<Derived, Threads> {
    static_assert(Items <= most_items);
    using ring = word_ring<Capacity>;

    pollux::v0::detail::injection_queue<item, relacy_sync, MostInRing, ring> queue{Shards};
    item items[Items];
    int last_seen[Threads][Threads];  // by consumer and producer: plain, each used by one thread

    static inline bool overflowed = false;
    static inline bool looked_in_vain = false;
    static bool is_covered() { return overflowed; }

    inject_suite() {
        ring::items = items;
        for (auto& of_one : last_seen)
            for (int& number : of_one) number = -1;
    }

    item* fill(int i) {
        items[i].payload.store(i + 1);
        return &items[i];
    }
    void push(int i, unsigned producer = 0) { queue.push(fill(i), producer); }

    void take(item* one, unsigned consumer) {
        const int number = static_cast<int>(one - items);
        expect(one->payload.load() == number + 1, "an item is seen with what was written before its push");
        expect(one->taken.load() == 0, "an item is taken once");
        one->taken.store(1);
        one->next = nullptr;  // it is the taker's now, link and all
        int& last = last_seen[consumer][Derived::producer_of(number)];
        expect(last < number, "the items of one producer come in order");
        last = number;
    }
    bool pop(unsigned consumer) {
        item* const one = queue.pop(consumer);
        if (one != nullptr) take(one, consumer);
        return one != nullptr;
    }
    void after() {
        if (queue.approximate_size() > std::min<std::size_t>(Capacity, MostInRing) * Shards) overflowed = true;
        // Thread 0 has ended, so it can stand for whoever comes last; the order holds for it too.
        while (pop(0)) {}
        for (item& one : items) expect(one.taken.load() == 1, "no item is lost");
        expect(queue.looks_empty() && queue.approximate_size() == 0, "empty after the last pop");
    }
    static int producer_of(int) { return 0; }
};

// One producer; the others take.
template <int Threads, int Items, unsigned Capacity, std::size_t MostInRing = 4>
struct one_producer
    : inject_suite<one_producer<Threads, Items, Capacity, MostInRing>, Threads, Items, 1, Capacity, MostInRing> {
    void thread(unsigned index) {
        if (index == 0) {
            for (int i = 0; i != Items; ++i) this->push(i);
            return;
        }
        for (int i = 0; i != Items; ++i) this->pop(index);
    }
};

// A batch that goes partly into the ring, and one item behind it.
template <int Threads>
struct batch : inject_suite<batch<Threads>, Threads, 4> {
    void thread(unsigned index) {
        if (index == 0) {
            item* three[] = {this->fill(0), this->fill(1), this->fill(2)};
            this->queue.push_batch(three, 3, 0);
            return this->push(3);
        }
        item* out[4];
        const std::size_t n = this->queue.pop_batch(index, out, 2);
        for (std::size_t i = 0; i != n; ++i) this->take(out[i], index);
        this->pop(index);
    }
};

// One item in the ring, a batch that goes round it though there is room, and one item behind it.
template <int Threads>
struct batch_round_the_ring : inject_suite<batch_round_the_ring<Threads>, Threads, 4, 1, 2, 1> {
    void thread(unsigned index) {
        if (index == 0) {
            this->push(0);
            item* two[] = {this->fill(1), this->fill(2)};
            this->queue.push_batch(two, 2, 0);
            return this->push(3);
        }
        item* out[2];
        const std::size_t n = this->queue.pop_batch(index, out, 2);
        for (std::size_t i = 0; i != n; ++i) this->take(out[i], index);
        this->pop(index);
    }
};

// Two producers with two items each, in one shard or in two.
template <int Consumers, unsigned Shards>
struct two_producers : inject_suite<two_producers<Consumers, Shards>, 2 + Consumers, 4, Shards> {
    static int producer_of(int i) { return i / 2; }
    void thread(unsigned index) {
        if (index < 2) {
            this->push(static_cast<int>(2 * index), index);
            return this->push(static_cast<int>(2 * index + 1), index);
        }
        for (int i = 0; i != 3; ++i) this->pop(index);
    }
};

// A worker that is about to park against a publisher, while a consumer may be handing over what overflowed: either the
// publisher sees that it is to wake somebody, or looks_empty() keeps the worker awake, or the items have been taken.
template <int Threads>
struct last_look : inject_suite<last_look<Threads>, Threads, 3> {
    relacy_sync::atomic<int> asleep{0};
    bool publisher_saw = false;
    static inline bool kept_awake = false;
    static inline bool woken = false;
    static bool is_covered() { return kept_awake && woken; }
    void thread(unsigned index) {
        if (index == 0) {
            for (int i = 0; i != 3; ++i) this->push(i);
            relacy_sync::full_fence();
            publisher_saw = asleep.load(memory_order::relaxed) != 0;
            woken = woken || publisher_saw;
            return;
        }
        if (index == 2) {
            this->pop(index);
            this->pop(index);
            return;
        }
        asleep.store(1, memory_order::relaxed);
        relacy_sync::full_fence();
        is_empty = this->queue.looks_empty();
        if (!is_empty) kept_awake = true;
    }
    void after() {
        if (is_empty && !publisher_saw)
            expect(this->queue.looks_empty(), "an item is there, a worker sleeps, and nobody has seen either");
        last_look::inject_suite::after();
    }
    bool is_empty = false;
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(
        argc, argv,
        {
            describe<one_producer<2, 3, 1>>("one producer, one consumer", 3),
            describe<one_producer<2, 4, 2>>("one producer, one consumer, a ring of two", 3),
            describe<one_producer<2, 4, 2, 1>>("one producer, one consumer, a crowd that goes round the ring", 3),
            describe<one_producer<2, 4, 2, 2>>("one producer, one consumer, a ring for as many as may be in it", 3),
            describe<one_producer<3, 3, 1>>("one producer, two consumers", 1, 100'000),
            describe<one_producer<3, 3, 2, 1>>("one producer, two consumers, a crowd that goes round the ring", 1,
                                               100'000),
            describe<batch<2>>("a batch", 3),
            describe<batch<3>>("a batch, two consumers", 1, 100'000),
            describe<batch_round_the_ring<2>>("a batch round the ring", 3),
            describe<batch_round_the_ring<3>>("a batch round the ring, two consumers", 1, 100'000),
            describe<two_producers<1, 1>>("two producers", 1, 100'000, 1),
            describe<two_producers<1, 2>>("two producers, two shards", 1),
            describe<two_producers<2, 1>>("two producers, two consumers", 0, 100'000, 0),
            describe<last_look<2>>("the last look before a park", 3),
            describe<last_look<3>>("the last look before a park, during a hand-over", 1, 100'000),
        });
}

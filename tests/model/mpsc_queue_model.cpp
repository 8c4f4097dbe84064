// SPDX-License-Identifier: MIT
// Model of sync/mpsc_list.hpp and sync/mpsc_queue.hpp, with blocks of two places or one: pushes against each other and against a
// receiver that waits, closes or goes. Stated: each item has one owner and is destroyed once, items of one sender keep their order, the end
// comes after all of them, a waiting receiver is woken (else the checker reports a deadlock), no block is touched after it was
// given back, and the queue is freed once, by the last.
#include "relacy_sync.hpp"

#include "model_blocks.hpp"
#include "model_waker.hpp"
#include "pollux/sync/mpsc_queue.hpp"

namespace {

using pollux::detail::mpsc_push;
using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::parker_waker;
using pollux::model::relacy_sync;

// An item that is counted, and plain memory: who reads its number has to have been shown it.
class token {
public:
    token(relacy_sync::atomic<int>& objects, int number) : objects_(&objects), number_(number) { count(1); }
    token(token&& other) noexcept : objects_(other.objects_), number_(other.number_.load()) {
        other.number_.store(-1);
        count(1);
    }
    ~token() {
        number_.store(-1);
        count(-1);
    }
    int number() const { return number_.load(); }

private:
    void count(int n) { objects_->fetch_add(n, std::memory_order::relaxed); }

    relacy_sync::atomic<int>* objects_;
    relacy_sync::cell<int> number_;
};

constexpr int most_items = 8;

template <class Derived, int Threads, std::size_t Size = 2>
struct queue_suite : pollux::model::suite<Derived, Threads> {
    using queue_type = pollux::detail::mpsc_queue<token, parker_waker, relacy_sync, Size>;

    queue_type* queue = nullptr;
    relacy_sync::atomic<int> objects{0};
    parker sleeper;
    // Of what else the channel holds, plain memory that each end uses until it goes, and that is freed with the queue.
    relacy_sync::cell<int> used_by[Threads];
    // Read after the threads have ended.
    int sent[Threads] = {};
    int received[Threads] = {};
    int freed = 0;

    void before() {
        queue = new queue_type();
        if (Threads > 2) queue->add_counts(Threads - 2);
    }

    /// By thread `index`, whose items are numbered. The count that it takes goes with the item, or is given up.
    bool send(unsigned index) {
        queue->add_counts(1);
        return put(index);
    }
    /// Sends with the thread's own count, and so leaves.
    void send_and_leave(unsigned index) {
        used_by[index].store(1);
        put(index);
    }
    bool put(unsigned index) {
        token item(objects, static_cast<int>(index) * most_items + sent[index]);
        ++sent[index];
        const auto put = queue->put(std::move(item));
        if (put == mpsc_push::done) return true;
        const bool is_sent = queue->after_put(put);
        if (!is_sent) {
            expect(item.number() >= 0, "a refused item is not moved from");
            --sent[index];
        }
        give_up_count();
        return is_sent;
    }
    void give_up_count() {
        if (queue->drop_counts(1) && queue->drop_last_sender()) free();
    }
    void leave(unsigned index) {
        used_by[index].store(1);
        give_up_count();
    }
    void drop_receiver() {
        used_by[0].store(1);
        if (queue->drop_receiver()) free();
    }
    void free() {
        for (auto& each : used_by) each.store(0);
        ++freed;
        delete queue;
    }
    void take() {
        const token item(std::move(queue->front()));
        queue->pop();
        expect(item.number() >= 0, "an item that has been moved from");
        const int from = item.number() / most_items;
        expect(item.number() % most_items == received[from], "an item is lost, doubled or out of order");
        ++received[from];
    }
    /// One poll. False: the end.
    bool receive() {
        if (queue->look()) return take(), true;
        queue->wait(parker_waker(sleeper));
        const bool is_over = queue->has_no_sender() || queue->is_at_end();
        if (queue->look()) return take(), true;
        if (is_over) return false;
        sleeper.park();
        // Woken by wait() itself while another thread is at the waker: a scheduler lets that thread go on, too.
        pollux::model::wait_a_turn();
        return true;
    }
    void receive_to_end() {
        while (receive()) {}
    }
    void after() {
        expect(freed == 1, "the queue is freed once");
        expect(objects.load(std::memory_order::relaxed) == 0, "an item was lost or destroyed twice");
    }
    void expect_all_received() {
        for (int i = 0; i != Threads; ++i) expect(sent[i] == received[i], "an item did not arrive");
    }
};

// Thread 0 receives in all of them.

// Over the border of a block and over that of the next.
struct one_sender : queue_suite<one_sender, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            receive_to_end();
            return drop_receiver();
        }
        for (int i = 0; i != 3; ++i) send(index);
        leave(index);
    }
    void after() {
        queue_suite::after();
        expect_all_received();
        expect(received[1] == 3, "an item was refused");
    }
};

// The sender stays until each item has been received: the item alone wakes the receiver.
struct sender_that_stays : queue_suite<sender_that_stays, 2> {
    parker answered;
    relacy_sync::atomic<int> answers{0};

    void thread(unsigned index) {
        for (int i = 1; i != 3; ++i) {
            if (index == 0) {
                while (received[1] < i) receive();
                answers.store(i, std::memory_order::release);
                answered.unpark();
            } else {
                send(index);
                while (answers.load(std::memory_order::acquire) < i) answered.park();
            }
        }
        if (index == 0) return receive_to_end(), drop_receiver();
        leave(index);
    }
};

// Both append after the same block, one leaves it while the other is on its way.
struct two_senders : queue_suite<two_senders, 3> {
    void thread(unsigned index) {
        if (index == 0) {
            receive_to_end();
            return drop_receiver();
        }
        for (unsigned i = 0; i != index; ++i) send(index);
        leave(index);
    }
    void after() {
        queue_suite::after();
        expect_all_received();
        expect(received[1] + received[2] == 3, "an item was refused");
    }
};

// What was accepted before close() arrives, what was not was refused.
template <int Threads>
struct close_and_drain : queue_suite<close_and_drain<Threads>, Threads> {
    using base = queue_suite<close_and_drain, Threads>;
    using base::queue, base::receive, base::receive_to_end, base::drop_receiver, base::send, base::leave;

    relacy_sync::cell<int> before_close;

    void thread(unsigned index) {
        if (index == 0) {
            if (choose(2) == 1) receive();
            before_close.store(1);
            queue->close();
            receive_to_end();
            return drop_receiver();
        }
        for (int i = 0; i != 2; ++i)
            if (!send(index)) {
                expect(before_close.load() == 1, "what came before the close is not visible");
                break;
            }
        leave(index);
    }
    void after() {
        base::after();
        base::expect_all_received();
    }
};

// The last count goes with an item, which may be awaited.
template <int Threads>
struct last_item : queue_suite<last_item<Threads>, Threads> {
    using base = queue_suite<last_item, Threads>;
    using base::receive_to_end, base::drop_receiver, base::send, base::send_and_leave;

    void thread(unsigned index) {
        if (index == 0) {
            receive_to_end();
            return drop_receiver();
        }
        if (index == 1) send(index);
        send_and_leave(index);
    }
    void after() {
        base::after();
        base::expect_all_received();
    }
};

// The receiver goes at any stage; what is left is destroyed by whoever goes last.
struct drop_receiver_early : queue_suite<drop_receiver_early, 3> {
    void thread(unsigned index) {
        if (index == 0) {
            const unsigned polls = choose(3);
            for (unsigned i = 0; i != polls; ++i)
                if (queue->look()) take();
            queue->wait(parker_waker(sleeper));
            if (choose(2) == 1) queue->close();
            return drop_receiver();
        }
        send(index);
        send(index);
        if (index == 1) return leave(index);
        send_and_leave(index);
    }
};

// The same against one sender, with all its schedules.
struct drop_receiver_of_one : queue_suite<drop_receiver_of_one, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            if (choose(2) == 1 && queue->look()) take();
            if (choose(2) == 1) queue->wait(parker_waker(sleeper));
            return drop_receiver();
        }
        send(index);
        send(index);
        send_and_leave(index);
    }
};

// The same while two sends are under way, to blocks that nobody has appended yet.
struct drop_receiver_of_two_blocks : queue_suite<drop_receiver_of_two_blocks, 3, 1> {
    void thread(unsigned index) {
        if (index == 0) return drop_receiver();
        send_and_leave(index);
    }
};

// The list alone, every place a border. Thread 0 sends and receives, thread 1 sends.
template <class Derived>
struct list_suite : pollux::model::suite<Derived, 2> {
    using list_type = pollux::detail::mpsc_list<token, relacy_sync, 1>;

    list_type* list = nullptr;
    typename list_type::reader reader;
    relacy_sync::atomic<int> objects{0};
    int received = 0;

    void before() {
        list = new list_type();
        reader.begin(*list);
    }
    void push() { expect(list->push(token(objects, 0)) != mpsc_push::refused, "refused though it is not closed"); }
    void take_all() {
        while (list->find(reader)) {
            expect(token(std::move(list->front(reader))).number() == 0, "an item that has been moved from");
            list->pop(reader);
            ++received;
        }
    }
    void after() {
        take_all();
        expect(received == Derived::pushes, "an item did not arrive");
        list->clear(reader);
        delete list;
        expect(objects.load(std::memory_order::relaxed) == 0, "an item was lost or destroyed twice");
    }
};

// Blocks are used again as soon as they are given back, while the other's push may still stand in them: it has to have claimed its
// position before they were left (claim 2).
struct block_used_again : list_suite<block_used_again> {
    static constexpr int pushes = 5;

    void before() {
        list_suite::before();
        push();
    }
    void thread(unsigned index) {
        if (index == 1) return push();
        for (int i = 0; i != 3; ++i) {
            push();
            take_all();
        }
    }
};

// Both append, and one of them keeps its block as the spare; the receiver gives back another, and frees that one.
struct spare_freed : list_suite<spare_freed> {
    static constexpr int pushes = 4;

    void before() {
        list_suite::before();
        push();
        push();
        take_all();
    }
    void thread(unsigned index) {
        push();
        if (index == 0) take_all();
    }
};

}  // namespace

void pollux::detail::fail_check(const char* message) noexcept { expect(false, message); }

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<block_used_again>("a block is used again", 1, pollux::model::plain_runs, 2),
                                   describe<spare_freed>("a spare block is freed", 2),
                                   describe<one_sender>("one sender", 1),
                                   describe<sender_that_stays>("a sender that stays", 1),
                                   describe<close_and_drain<2>>("close and drain", 1),
                                   describe<last_item<2>>("the last item", 1, pollux::model::plain_runs, 2),
                                   describe<drop_receiver_of_one>("drop the receiver of one sender", 1),
                                   // With three threads and more no exhaustive search with preemptions ends.
                                   describe<two_senders>("two senders", 0, 200'000, 0),
                                   describe<close_and_drain<3>>("close and drain, two senders", 0, 100'000, 0),
                                   describe<last_item<3>>("the last item of two senders", 0, 100'000, 0),
                                   describe<drop_receiver_early>("drop the receiver", 0, 100'000, 0),
                                   describe<drop_receiver_of_two_blocks>("drop the receiver, two blocks", 1, 50'000, 1),
                               });
}

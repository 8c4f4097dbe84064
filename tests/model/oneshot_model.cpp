// SPDX-License-Identifier: MIT
// Model of sync/oneshot_state.hpp through the block that ships (sync/oneshot.hpp): sending, closing, waiting and
// dropping of both ends in every order. Stated: exactly one side ends up with the value, and it is destroyed once; a
// waiting end is woken (else the checker reports a deadlock), and each waker dropped once; no slot is touched by two threads at
// once; the block is freed once, by the last.
#include "relacy_sync.hpp"

#include "model_blocks.hpp"
#include "model_waker.hpp"
#include "pollux/sync/oneshot.hpp"

namespace {

using pollux::model::choose;
using pollux::model::counted_parker;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::model_waker;
using pollux::model::relacy_sync;
using namespace pollux::detail;

// A value that knows where it is: every object is plain memory and counted, one of them holds the value.
class token {
public:
    explicit token(relacy_sync::atomic<int>& objects) : objects_(&objects), held_(1) { count(1); }
    token(token&& other) noexcept : objects_(other.objects_), held_(other.held_.load()) {
        other.held_.store(0);
        count(1);
    }
    ~token() {
        held_.store(0);
        count(-1);
    }
    bool is_held() const { return held_.load() == 1; }

private:
    void count(int n) { objects_->fetch_add(n, std::memory_order::relaxed); }

    relacy_sync::atomic<int>* objects_;
    relacy_sync::cell<int> held_;
};

template <class Derived>
struct channel_suite : pollux::model::suite<Derived, 2> {
    using block = oneshot_block<token, model_waker, relacy_sync>;

    block* channel = nullptr;
    relacy_sync::atomic<int> objects{0};
    counted_parker sender_targets[2];
    counted_parker receiver_targets[2];
    int given_back = 0;  // these are read after the threads have ended
    int received = 0;
    int sent = 0;
    bool saw_disconnected = false;

    void before() { channel = new block(); }

    // The sender's side.
    void send() {
        sent = 1;
        const auto result = block::send(channel, token(objects));
        if (result) return;
        expect(result.error().is_held(), "what is given back is the value");
        given_back = 1;
    }
    /// One poll of closed(): true: the receiver is gone.
    bool poll_closed(unsigned waker) {
        return channel->is_closed() || !channel->wait(oneshot_end::sender, model_waker(sender_targets[waker]));
    }

    // The receiver's side. True: it has ended.
    bool receive(unsigned waker) {
        if (!channel->has_value() && channel->is_open() &&
            channel->wait(oneshot_end::receiver, model_waker(receiver_targets[waker])))
            return false;
        return try_end();
    }
    bool try_end() {
        if (!channel->has_value()) {
            if (channel->is_open()) return false;
            saw_disconnected = true;
            block::drop_receiver(channel);
            return true;
        }
        const auto value = block::take(channel);
        expect(value.is_held(), "what is received is the value");
        received = 1;
        return true;
    }
    void receive_to_end(unsigned first_waker) {
        while (!receive(first_waker)) receiver_targets[first_waker].park();
    }

    void after() {
        expect(objects.load(std::memory_order::relaxed) == 0, "a value was lost or destroyed twice");
        expect(given_back + received <= sent, "both sides have the value");
        for (auto* const targets : {sender_targets, receiver_targets})
            for (int i = 0; i != 2; ++i)
                expect(targets[i].owners.load(std::memory_order::relaxed) == 0, "a waker is kept or dropped twice");
        expect(!saw_disconnected || received == 0, "a value after the end");
    }
};

// The receiver waits with one waker, then with another, then to the end.
struct send_and_receive : channel_suite<send_and_receive> {
    void thread(unsigned index) {
        if (index == 0) return send();
        if (choose(2) == 1 && receive(0)) return;
        receive_to_end(1);
    }
    void after() {
        channel_suite::after();
        expect(received == 1, "the value did not arrive");
    }
};

struct drop_and_receive : channel_suite<drop_and_receive> {
    void thread(unsigned index) {
        if (index == 0) return block::drop_sender(channel);
        if (choose(2) == 1 && receive(0)) return;
        receive_to_end(1);
    }
    void after() {
        channel_suite::after();
        expect(saw_disconnected, "no end without a value");
    }
};

// The receiver is dropped at any stage: before a poll, while it waits, after it replaced its waker.
struct send_and_drop : channel_suite<send_and_drop> {
    void thread(unsigned index) {
        if (index == 0) {
            if (choose(2) == 1) poll_closed(0);
            return send();
        }
        const unsigned polls = choose(3);
        for (unsigned i = 0; i != polls; ++i) {
            if (receive(i)) return;
        }
        block::drop_receiver(channel);
    }
};

// close(), then the value that came before it is still there, and no other comes.
struct send_and_close : channel_suite<send_and_close> {
    void thread(unsigned index) {
        if (index == 0) return send();
        if (choose(2) == 1 && receive(0)) return;
        channel->close();
        expect(try_end(), "a closed receiver waits");
    }
    void after() {
        channel_suite::after();
        expect(given_back + received == 1, "the value has no owner");
    }
};

// The sender waits for the end of the receiver, with one waker, then with the same or another; then it is dropped, or sends.
struct closed_and_drop : channel_suite<closed_and_drop> {
    relacy_sync::cell<int> done_before;  // by the receiver, before it goes

    void thread(unsigned index) {
        if (index == 0) {
            if (choose(2) == 1) poll_closed(choose(2));
            while (!poll_closed(1)) sender_targets[1].park();
            expect(done_before.load() == 1, "what came before the close is not visible");
            if (choose(2) == 1) return send();
            return block::drop_sender(channel);
        }
        done_before.store(1);
        if (choose(2) == 1) channel->close();
        if (choose(2) == 1 && receive(0)) return;
        block::drop_receiver(channel);
    }
    void after() {
        channel_suite::after();
        expect(received == 0, "sent to a receiver that was gone");
    }
};

// Both go while both have left wakers behind.
struct both_go : channel_suite<both_go> {
    void thread(unsigned index) {
        if (index == 0) {
            poll_closed(0);
            return choose(2) == 1 ? send() : block::drop_sender(channel);
        }
        if (receive(0)) return;
        if (choose(2) == 1) channel->close();
        block::drop_receiver(channel);
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<send_and_receive>("send and receive", 4),
                                   describe<drop_and_receive>("drop and receive", 4),
                                   describe<send_and_drop>("send and drop", 3),
                                   describe<send_and_close>("send and close", 4),
                                   describe<closed_and_drop>("closed and drop", 3),
                                   describe<both_go>("both go", 3),
                               });
}

// SPDX-License-Identifier: MIT
// An executor by hand: who polls futures, and when. The library's runtime is this, made fast and fair.
//
// An executor has a list of tasks that are ready to be polled. It polls each with a waker of that task; a task that answers
// `pending` leaves the list, and its waker puts it back, from whatever thread the event comes. With an empty list the thread
// sleeps: waiting costs nothing. Wake-ups that come while a task is in the list are one; a task woken during its own poll goes back
// into the list, or the event would be lost.
//
// Whatever needs no timers or pools runs on any executor: coroutines, combinators, channels. The first task waits for the
// second through one channel, the second for a thread through another.
//
// Next: lib/README.md, if you want to know how the runtime does it.
//
// Prints:
//   reader: waits
//   writer: waits for the thread
//   writer: got 20, sends 21
//   reader: got 21
//   all tasks have ended
#include <condition_variable>
#include <deque>
#include <iostream>
#include <list>
#include <memory>
#include <mutex>
#include <pollux/coro.hpp>
#include <pollux/future.hpp>
#include <pollux/sync.hpp>
#include <thread>
#include <utility>

namespace {

class executor {
    struct task;

    // Outlives the executor if a waker does.
    struct ready_list {
        std::mutex mutex;
        std::condition_variable filled;
        std::deque<std::shared_ptr<task>> tasks;
    };

    struct task : pollux::wakeable, std::enable_shared_from_this<task> {
        task(pollux::boxed_future<> f, std::shared_ptr<ready_list> l) : fut(std::move(f)), list(std::move(l)) {}

        void wake() noexcept override {
            const std::lock_guard lock(list->mutex);
            if (std::exchange(is_ready, true)) return;
            list->tasks.push_back(shared_from_this());
            list->filled.notify_one();
        }

        pollux::boxed_future<> fut;  // touched by the executor only
        const std::shared_ptr<ready_list> list;
        bool is_ready = false;  // it is in the list; guarded by its mutex
    };

public:
    void spawn(pollux::boxed_future<> fut) {
        tasks_.push_back(std::make_shared<task>(std::move(fut), list_));
        tasks_.back()->wake();
    }

    // Polls what is ready until every task has ended.
    void run() {
        while (!tasks_.empty()) {
            const std::shared_ptr<task> next = take_ready();
            const pollux::waker waker = pollux::make_waker(next);
            pollux::context cx(waker);
            if (next->fut.poll(cx).is_ready()) tasks_.remove(next);
        }
    }

private:
    std::shared_ptr<task> take_ready() {
        std::unique_lock lock(list_->mutex);
        list_->filled.wait(lock, [this] { return !list_->tasks.empty(); });
        std::shared_ptr<task> next = std::move(list_->tasks.front());
        list_->tasks.pop_front();
        next->is_ready = false;  // before the poll: a wake-up from now on asks for one more
        return next;
    }

    const std::shared_ptr<ready_list> list_ = std::make_shared<ready_list>();
    std::list<std::shared_ptr<task>> tasks_;
};

namespace oneshot = pollux::sync::oneshot;

pollux::task<> reader(oneshot::receiver<int> number) {
    std::cout << "reader: waits\n";
    const auto got = co_await number;
    std::cout << "reader: got " << got.value_or(0) << '\n';
}

pollux::task<> writer(oneshot::sender<int> number) {
    auto [tx, from_thread] = oneshot::channel<int>();
    std::cout << "writer: waits for the thread\n";
    std::jthread thread([sender = std::move(tx)]() mutable { (void)sender.send(20); });
    const int got = (co_await from_thread).value_or(0);
    std::cout << "writer: got " << got << ", sends " << got + 1 << '\n';
    (void)number.send(got + 1);
}

}  // namespace

int main() {
    executor mine;
    auto [tx, rx] = oneshot::channel<int>();
    mine.spawn(reader(std::move(rx)));
    mine.spawn(writer(std::move(tx)));
    mine.run();
    std::cout << "all tasks have ended\n";
}

// SPDX-License-Identifier: MIT
// Model of stream/woken_list.hpp: threads wake children, the owner sleeps and polls those that were woken. Stated: no
// child sleeps although its event came (the checker reports it as a deadlock), its poll sees the event, a link is
// touched by one thread at a time. The owner's waker is always in place here: its cell has a model of its own.
#include "relacy_sync.hpp"

#include "stream/woken_list.hpp"

namespace {

using pollux::model::describe;
using pollux::model::expect;
using pollux::model::parker;
using pollux::model::relacy_sync;

template <class Derived, int Threads, unsigned Children>
struct list_suite : pollux::model::suite<Derived, Threads> {
    pollux::detail::woken_list<relacy_sync> list;
    pollux::detail::woken_list<relacy_sync>::node nodes[Children];
    relacy_sync::atomic<int> events[Children];
    parker sleeper;

    void wake(unsigned child) {
        events[child].fetch_add(1, std::memory_order::relaxed);  // the list alone makes it visible
        if (list.push(nodes[child])) sleeper.unpark();
    }
    /// Polls until each child has seen `needed` events.
    void poll_until(int needed) {
        int seen[Children] = {};
        for (;;) {
            list.begin_round();
            while (auto* const woken = list.take()) {
                const auto child = static_cast<unsigned>(woken - nodes);
                seen[child] = events[child].load(std::memory_order::relaxed);
            }
            bool is_done = true;
            for (const int count : seen) is_done = is_done && count == needed;
            if (is_done) return;
            sleeper.park();
        }
    }
    void after() {
        list.begin_round();
        while (auto* const woken = list.take())
            expect(events[woken - nodes].load(std::memory_order::relaxed) != 0, "a node that nobody woke");
    }
};

struct one_child : list_suite<one_child, 2, 1> {
    void thread(unsigned index) {
        if (index == 0) return poll_until(2);
        wake(0);
        wake(0);
    }
};

struct two_threads_for_one_child : list_suite<two_threads_for_one_child, 3, 1> {
    void thread(unsigned index) {
        if (index == 0) return poll_until(2);
        wake(0);
    }
};

struct two_children : list_suite<two_children, 3, 2> {
    void thread(unsigned index) {
        if (index == 0) return poll_until(1);
        wake(index - 1);
    }
};

// Nodes change places in the list while it is walked.
struct children_in_turn : list_suite<children_in_turn, 3, 2> {
    void thread(unsigned index) {
        if (index == 0) return poll_until(2);
        wake(index - 1);
        wake(2 - index);
    }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<one_child>("one child", 3),
                                   describe<two_threads_for_one_child>("two threads for one child", 2),
                                   describe<two_children>("two children", 2),
                                   describe<children_in_turn>("children in turn", 2),
                               });
}

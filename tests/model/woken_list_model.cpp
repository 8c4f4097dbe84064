// SPDX-License-Identifier: MIT
// Model of stream/detail/woken_list.hpp and woken_groups.hpp: threads wake children, the owner sleeps and polls those that were woken. Stated: no
// child sleeps although its event came (the checker reports it as a deadlock), its poll sees the event, a link is
// touched by one thread at a time; a node that is retired is freed once, when nobody has it and no list holds it. The owner's
// waker is always in place here: its cell has a model of its own.
#include "relacy_sync.hpp"

#include "pollux/stream/detail/woken_groups.hpp"
#include "pollux/stream/detail/woken_list.hpp"

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

// As `children_in_turn`, and the owner puts a child back that has had its first event: it comes in the next round.
struct child_put_back : list_suite<child_put_back, 2, 2> {
    void thread(unsigned index) {
        if (index == 1) {
            wake(0);
            wake(1);
            return wake(0);
        }
        int seen[2] = {};
        bool put_back = false;
        int polls_after = 0;
        for (;;) {
            const bool was_put_back = put_back;
            list.begin_round();
            while (auto* const woken = list.take()) {
                const auto child = static_cast<unsigned>(woken - nodes);
                expect(child != 0 || put_back == was_put_back, "a child that was put back comes in the same round");
                if (child == 0 && put_back) ++polls_after;
                seen[child] = events[child].load(std::memory_order::relaxed);
                if (child != 0 || put_back) continue;
                list.put_back(*woken);
                put_back = true;
                sleeper.unpark();  // a poll of the owner follows
            }
            if (seen[0] == 2 && seen[1] == 1 && polls_after != 0) return;
            sleeper.park();
        }
    }
};

// Two nodes that are counted, by the owner and by the thread that wakes them. The owner retires each after its first poll, and
// frees what nobody has. Memory that is touched after it was freed is a data race with `freed`.
struct child_that_goes : pollux::model::suite<child_that_goes, 3> {
    struct counted : pollux::detail::woken_list<relacy_sync>::node {
        relacy_sync::atomic<int> owners{2};
        relacy_sync::cell<int> freed{0};
    };
    pollux::detail::woken_list<relacy_sync> list;
    counted nodes[2];
    relacy_sync::atomic<int> events[2];
    parker sleeper;

    void drop(counted& node) {
        if (node.owners.fetch_sub(1, std::memory_order::acq_rel) != 1) return;
        expect(node.freed.load() == 0, "a node is freed twice");
        node.freed.store(1);
        node.link.store(nullptr);  // as the next user of the memory does
    }
    void wake(counted& node) {
        expect(node.freed.load() == 0, "a node is pushed that was freed");
        if (list.push(node)) sleeper.unpark();
    }
    void thread(unsigned index) {
        if (index != 0) {
            counted& mine = nodes[index - 1];
            events[index - 1].fetch_add(1, std::memory_order::relaxed);
            wake(mine);
            wake(mine);
            return drop(mine);
        }
        int left = 2;
        while (left != 0) {
            list.begin_round();
            while (auto* const woken = list.take()) {
                auto& node = *static_cast<counted*>(woken);
                const auto child = static_cast<unsigned>(&node - nodes);
                expect(node.freed.load() == 0, "a node is given out that was freed");
                expect(events[child].load(std::memory_order::relaxed) == 1, "a poll does not see the event");
                if (!list.retire(node)) continue;
                --left;
                drop(node);
            }
            if (left != 0) sleeper.park();
        }
    }
    void after() {
        for (auto& node : nodes) expect(node.freed.load() == 1, "a node is not freed");
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

// Children of groups. Each poll takes the groups that were woken, and sees the events of the children whose bits it is given.
template <class Derived, int Threads, unsigned Groups, unsigned ChildrenOfEach>
struct group_suite : pollux::model::suite<Derived, Threads> {
    static constexpr unsigned count = Groups * ChildrenOfEach;

    using groups = pollux::detail::woken_groups<relacy_sync>;
    typename groups::group nodes[Groups];
    groups woken{Groups == 1 ? nodes : nullptr};
    relacy_sync::atomic<int> events[count];
    parker sleeper;

    void wake(unsigned child) {
        events[child].fetch_add(1, std::memory_order::relaxed);  // the groups alone make it visible
        if (woken.push(nodes[child / ChildrenOfEach], typename groups::bits{1} << child % ChildrenOfEach))
            sleeper.unpark();
    }
    void poll_until(int needed) {
        int seen[count] = {};
        for (;;) {
            const bool is_any = woken.begin_round();
            expect(is_any == (woken.peek() != nullptr), "the round does not say what it has taken");
            while (auto* const group = woken.peek()) {
                const auto first = static_cast<unsigned>(group - nodes) * ChildrenOfEach;
                const auto bits = woken.take_children();
                expect(bits != 0, "a group that nobody woke");
                for (unsigned i = 0; i != ChildrenOfEach; ++i)
                    if ((bits >> i & 1) != 0) seen[first + i] = events[first + i].load(std::memory_order::relaxed);
            }
            bool is_done = true;
            for (const int each : seen) is_done = is_done && each == needed;
            if (is_done) return;
            sleeper.park();
        }
    }
};

struct one_group : group_suite<one_group, 3, 1, 2> {
    void thread(unsigned index) {
        if (index == 0) return poll_until(1);
        wake(index - 1);
    }
};

struct one_group_twice : group_suite<one_group_twice, 3, 1, 2> {
    void thread(unsigned index) {
        if (index == 0) return poll_until(2);
        wake(index - 1);
        wake(2 - index);
    }
};

struct two_groups : group_suite<two_groups, 3, 2, 2> {
    void thread(unsigned index) {
        if (index == 0) return poll_until(1);
        wake(index - 1);
        wake(index + 1);
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
                                   describe<child_put_back>("a child is put back", 3),
                                   describe<child_that_goes>("a child goes", 2),
                                   describe<one_group>("one group", 3),
                                   describe<one_group_twice>("one group, each child twice", 2),
                                   describe<two_groups>("two groups", 2),
                               });
}

// SPDX-License-Identifier: MIT
// Model of coro/join_word.hpp with core/fork_deque.hpp under it: a tree of forks, and workers that steal points, go on beside
// suspended children, poll those again, and cancel. What a worker does at each step is that of coro/drive.cpp and of the worker's
// loop, without the frames. Stated: of the parent's children exactly one goes on with the parent, after all of them have
// ended, and it sees the results of all; nobody touches the point afterwards; a cancelled tree is destroyed once, whole, from
// the innermost outwards, and no child of it is left unstarted.
#include "relacy_sync.hpp"

#include <bit>

#include "pollux/core/fork_deque.hpp"
#include "pollux/coro/join_word.hpp"

namespace {

using pollux::model::choose;
using pollux::model::describe;
using pollux::model::expect;
using pollux::model::plain_runs;
using pollux::model::relacy_sync;
using pollux::v0::detail::join_role;
using std::memory_order;

constexpr unsigned most_children = 3;

struct frame;

// Stands in the parent's frame: `is_gone` is written when the parent goes on and read before each access.
struct point : pollux::v0::detail::join_word<relacy_sync> {
    frame* parent = nullptr;
    frame* children[most_children] = {};
    unsigned child_count = 0;
    relacy_sync::cell<unsigned> next_child{0};
    relacy_sync::cell<int> is_gone{0};
};

enum frame_state { unstarted, started, ended, destroyed };

struct frame {
    point* up = nullptr;  // null: the root of the task
    bool is_last = false;
    point* fork = nullptr;  // null: a leaf
    relacy_sync::cell<int> suspensions{0};
    relacy_sync::cell<int> state{unstarted};
    relacy_sync::cell<int> result{0};
};

enum class poll { ended, pending, forked, moved };

struct worker {
    static inline bool is_asymmetric = false;  // of the suite that runs
    pollux::v0::detail::fork_deque<point, relacy_sync> forks{is_asymmetric, 2};
};

// Thread 0 is the worker that polls the root. A thread ends when nothing that it may have queued is left, so nobody waits.
template <class Derived, int Threads, unsigned Frames, unsigned Points>
struct fork_suite : pollux::model::suite<Derived, Threads> {
    const bool asymmetric = worker::is_asymmetric = choose(2) == 1;
    worker workers[Threads];
    frame frames[Frames];  // the root first
    point points[Points];
    relacy_sync::atomic<unsigned> queue{
        0};  // a bit for each suspended frame, then one for each point of a slice that is over
    relacy_sync::atomic<int> is_cancelled{0};
    relacy_sync::cell<int> ends{0};  // of the root

    static inline bool nobody_came = false;
    static inline bool child_was_last = false;
    static inline bool holder_was_last = false;
    static inline bool was_destroyed = false;

    // --- the tree, made before the threads start ---
    void fork(unsigned parent, unsigned number, unsigned first_child, unsigned count) {
        point& p = points[number];
        p.parent = &frames[parent];
        p.child_count = count;
        frames[parent].fork = &p;
        for (unsigned i = 0; i != count; ++i) {
            frame& child = frames[first_child + i];
            p.children[i] = &child;
            child.up = &p;
            child.is_last = i + 1 == count;
        }
    }
    void suspend_once(unsigned child) { frames[child].suspensions.store(1); }

    static point& live(point& p) {
        expect(p.is_gone.load() == 0, "the point is gone with its parent's frame");
        return p;
    }

    // --- coro/drive.cpp ---
    frame* start_next(unsigned self, point& p) {
        const unsigned i = live(p).next_child.load();
        p.next_child.store(i + 1);
        frame* const child = p.children[i];
        if (i + 1 != p.child_count) expect(workers[self].forks.push(&p), "there is room");
        return child;
    }
    void destroy(frame& f) {
        expect(f.state.load() != ended && f.state.load() != destroyed, "a frame ends once");
        if (f.fork != nullptr && f.state.load() == started) leave(*f.fork);
        f.state.store(destroyed);
        was_destroyed = true;
    }
    void destroy_unstarted(point& p) {
        for (unsigned i = p.next_child.load(); i != p.child_count; ++i) destroy(*p.children[i]);
        p.next_child.store(p.child_count);
    }
    // The parent goes on, or is destroyed.
    static void leave(point& p) {
        live(p);
        for (unsigned i = 0; i != p.child_count; ++i) {
            const int state = p.children[i]->state.load();
            expect(state == ended || state == destroyed, "the parent goes on before a child has ended");
        }
        p.is_gone.store(1);
    }
    bool join(point& p, join_role as) {
        if (as == join_role::holder && !live(p).was_taken()) nobody_came = true;
        const bool is_last = live(p).join(as);
        if (is_last) (as == join_role::child ? child_was_last : holder_was_last) = true;
        return is_last;
    }
    void end_task() { ends.store(ends.load() + 1); }

    void abandon(unsigned self, frame* f) {
        for (;;) {
            destroy(*f);
            if (f->up == nullptr) return end_task();
            point& p = live(*f->up);
            p.abandon();
            bool is_holder = f->is_last;
            if (!is_holder && workers[self].forks.pop_own()) {
                is_holder = true;
                destroy_unstarted(p);
            }
            if (!join(p, is_holder ? join_role::holder : join_role::child)) return;
            f = p.parent;
        }
    }
    void abandon_children(unsigned self, point& p) {
        destroy_unstarted(live(p));
        p.abandon();
        if (join(p, join_role::holder)) abandon(self, p.parent);
    }
    // What is resumed next on this thread, or null.
    frame* after_end_of(unsigned self, frame& f) {
        if (f.up == nullptr) {
            end_task();
            return nullptr;
        }
        point& p = live(*f.up);
        if (!f.is_last && workers[self].forks.pop_own()) return start_next(self, p);
        if (!join(p, f.is_last ? join_role::holder : join_role::child)) return nullptr;
        if (!p.is_abandoned()) return p.parent;
        abandon(self, p.parent);
        return nullptr;
    }
    void drive(unsigned self, frame* f) {
        while (f != nullptr) {
            switch (resume(self, *f)) {
                case poll::ended: f = after_end_of(self, *f); break;
                case poll::pending: return park(self, f);
                case poll::forked: f = f->fork->children[0]; break;
                case poll::moved: return;
            }
        }
    }

    // --- a frame ---
    poll resume(unsigned self, frame& f) {
        const int before = f.state.load();
        f.state.store(started);
        if (f.fork != nullptr && before == unstarted) return begin_fork(self, *f.fork);
        expect(before == unstarted || before == started, "resumed after its end");
        if (f.suspensions.load() != 0) {
            f.suspensions.store(f.suspensions.load() - 1);
            return poll::pending;
        }
        int sum = 1;
        if (f.fork != nullptr) {
            leave(*f.fork);
            for (unsigned i = 0; i != f.fork->child_count; ++i) sum += f.fork->children[i]->result.load();
        }
        f.result.store(sum);
        f.state.store(ended);
        return poll::ended;
    }
    poll begin_fork(unsigned self, point& p) {
        if (static_cast<Derived&>(*this).slice_is_over(p)) {
            while (point* const older = workers[self].forks.pop()) {
                ++live(*older).stolen;
                push(*older);
            }
            push(p);  // nothing of it has been started: not a taking
            return poll::moved;
        }
        start_next(self, p);
        return poll::forked;
    }
    bool slice_is_over(point&) { return false; }

    // --- the worker's loop ---
    void push(unsigned bit) { queue.fetch_or(1u << bit, memory_order::release); }
    void push(point& p) { push(Frames + static_cast<unsigned>(&p - points)); }
    bool sees_cancelled() const { return is_cancelled.load(memory_order::relaxed) != 0; }
    void park(unsigned self, frame* f) {
        if (sees_cancelled()) return abandon(self, f);
        push(static_cast<unsigned>(f - frames));  // woken at once: whoever polls the queue goes on with it
    }
    void run_fork(unsigned self, point& p) {
        if (sees_cancelled()) return abandon_children(self, p);
        drive(self, start_next(self, p));
    }
    void empty_forks(unsigned self) {
        auto& forks = workers[self].forks;
        while (!forks.owner_sees_empty()) {
            point* const p = forks.pop();
            if (p == nullptr) break;
            ++live(*p).stolen;
            run_fork(self, *p);
        }
    }
    void steal(unsigned self, unsigned victim) {
        point* const p = workers[victim].forks.steal();
        if (p == nullptr) return;
        ++live(*p).stolen;
        run_fork(self, *p);
        empty_forks(self);
    }
    void run_queue(unsigned self) {
        for (unsigned seen = queue.load(memory_order::relaxed); seen != 0; seen = queue.load(memory_order::relaxed)) {
            const auto i = static_cast<unsigned>(std::countr_zero(seen));
            if ((queue.fetch_and(~(1u << i), memory_order::acquire) & 1u << i) == 0) continue;
            if (i >= Frames) {
                run_fork(self, points[i - Frames]);
            } else if (sees_cancelled()) {
                abandon(self, &frames[i]);
            } else {
                drive(self, &frames[i]);
            }
            empty_forks(self);
        }
    }
    void thread(unsigned self) {
        if (self == 0) {
            drive(0, &frames[0]);
            empty_forks(0);
        } else if (Derived::is_cancelling && self + 1 == Threads) {
            is_cancelled.store(1, memory_order::relaxed);
        }
        run_queue(self);
        for (unsigned i = 1; i != Threads; ++i) {
            steal(self, (self + i) % Threads);
            run_queue(self);
        }
    }

    void after() {
        expect(ends.load() == 1, "the task ends once");
        const int state = frames[0].state.load();
        expect(state == ended || (Derived::is_cancelling && state == destroyed), "the root has ended");
        for (frame& f : frames) {
            const bool never_made =
                f.up != nullptr && f.up->parent->state.load() == destroyed && f.up->is_gone.load() == 0;
            expect(f.state.load() == (never_made                ? unstarted
                                      : f.state.load() == ended ? ended
                                                                : destroyed),
                   "every frame has ended or is destroyed");
        }
        for (worker& w : workers) expect(w.forks.owner_sees_empty(), "no point is left");
        if (state == ended) expect(frames[0].result.load() == static_cast<int>(Frames), "all results are in");
    }
    static constexpr bool is_cancelling = false;
    static bool is_covered() { return nobody_came && child_was_last && holder_was_last; }
};

// Nobody suspends: who takes the point decides all.
template <int Threads, unsigned Children>
struct leaves : fork_suite<leaves<Threads, Children>, Threads, 1 + Children, 1> {
    void before() { this->fork(0, 0, 1, Children); }
};

// One child suspends, and its worker goes on with the next by popping the point.
template <int Threads, unsigned Children, bool Cancels = false>
struct suspended : fork_suite<suspended<Threads, Children, Cancels>, Threads, 1 + Children, 1> {
    void before() {
        this->fork(0, 0, 1, Children);
        this->suspend_once(1 + choose(Children));
    }
    static constexpr bool is_cancelling = Cancels;
    static bool is_covered() { return suspended::fork_suite::is_covered() && Cancels == suspended::was_destroyed; }
};

// The first child forks too: points of both levels stand on one deque.
template <int Threads, bool Cancels = false>
struct nested : fork_suite<nested<Threads, Cancels>, Threads, 5, 2> {
    void before() {
        this->fork(0, 0, 1, 2);
        this->fork(1, 1, 3, 2);
        const unsigned which = choose(4);  // the inner leaves, the outer one, or none
        if (which != 3) this->suspend_once(4 - which);
    }
    static constexpr bool is_cancelling = Cancels;
    static bool is_covered() { return nested::fork_suite::is_covered() && Cancels == nested::was_destroyed; }
};

// The slice of the worker is over when the inner fork begins: its points go to the queue.
template <int Threads>
struct slice : fork_suite<slice<Threads>, Threads, 5, 2> {
    void before() {
        this->fork(0, 0, 1, 2);
        this->fork(1, 1, 3, 2);
    }
    bool slice_is_over(point& p) { return &p == &this->points[1]; }
    static bool is_covered() { return slice::child_was_last && slice::holder_was_last; }
};

}  // namespace

int main(int argc, char** argv) {
    return pollux::model::main(argc, argv,
                               {
                                   describe<leaves<2, 2>>("two children", 4),
                                   describe<leaves<3, 2>>("two children, two thieves", 2),
                                   describe<leaves<2, 3>>("three children", 3),
                                   describe<leaves<3, 3>>("three children, two thieves", 2),
                                   describe<suspended<2, 2>>("a suspended child of two", 3),
                                   describe<suspended<2, 3>>("a suspended child of three", 2),
                                   describe<suspended<3, 3>>("a suspended child of three, two thieves", 1),
                                   describe<nested<2>>("nested forks", 2),
                                   describe<nested<3>>("nested forks, two thieves", 1),
                                   describe<slice<2>>("the slice is over", 2),
                                   describe<slice<3>>("the slice is over, three workers", 1),
                                   describe<suspended<2, 2, true>>("two children, cancelled", 2),
                                   describe<suspended<2, 3, true>>("three children, cancelled", 2),
                                   describe<suspended<3, 3, true>>("three children, cancelled, two thieves", 1),
                                   describe<nested<2, true>>("nested forks, cancelled", 2),
                                   describe<nested<3, true>>("nested forks, cancelled, two thieves", 1, plain_runs, 1),
                               });
}

// SPDX-License-Identifier: MIT
#include "support/workload.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "pollux/coro/fork_join.hpp"
#include "pollux/future/join.hpp"
#include "pollux/future/select.hpp"
#include "pollux/offload/block_in_place.hpp"
#include "pollux/offload/blocking.hpp"
#include "pollux/offload/offload.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/join_set.hpp"
#include "pollux/runtime/runtime.hpp"
#include "pollux/runtime/task_scope.hpp"
#include "pollux/runtime/yield.hpp"
#include "pollux/stream/next.hpp"
#include "pollux/sync/oneshot.hpp"
#include "pollux/time/sleep.hpp"
#include "support/tracked.hpp"

namespace pollux::test {

namespace {

using number = std::uint64_t;

// Gives `number_of_this`.
task<number> node(workload_ledger& ledger, number number_of_this, int depth);

struct child_failed : std::exception {
    explicit child_failed(number which) noexcept : child(which) {}
    number child;
};

// Sees whether two threads poll its future at once, or one after its end.
template <class F>
class watched {
public:
    using value_type = typename F::value_type;
    using error_type = typename F::error_type;

    watched(workload_ledger& ledger, F fut) : ledger_(&ledger), alive_(ledger.alive), inner_(std::move(fut)) {}
    watched(watched&& other) noexcept
        : ledger_(other.ledger_), alive_(std::move(other.alive_)), inner_(std::move(other.inner_)) {}

    polled<value_type, error_type> poll(context& cx) {
        if (is_polled_.exchange(true)) ++ledger_->polled_at_once;
        if (has_ended_) ++ledger_->polled_late;
        const end_of_poll guard(is_polled_);
        auto answer = inner_.poll(cx);
        has_ended_ = answer.is_ready();
        return answer;
    }

private:
    struct end_of_poll {
        explicit end_of_poll(std::atomic<bool>& in_poll) noexcept : is_polled(in_poll) {}
        ~end_of_poll() { is_polled = false; }
        std::atomic<bool>& is_polled;
    };

    workload_ledger* ledger_;
    tracked alive_;
    F inner_;
    std::atomic<bool> is_polled_{false};
    bool has_ended_ = false;
};

// Every second child is spawned as a plain future, every other one as a coroutine.
join_handle<number, never> start(workload_ledger& ledger, number child, int depth) {
    if (mixed(child) % 2 == 0) return spawn(watched(ledger, node(ledger, child, depth)));
    return spawn(node(ledger, child, depth));
}

task<> join_one(workload_ledger& ledger, join_handle<number, never> handle, number child) {
    try {
        const number got = co_await std::move(handle);
        if (got != child) ++ledger.wrong_results;
    } catch (const task_cancelled&) {
        ++ledger.cancelled;
    }
}

task<> sleeps(number how_long) { co_await sleep_for(std::chrono::microseconds(how_long % 3000)); }

task<> sends(sync::oneshot::sender<number> to, number value) {
    co_await sleeps(value);
    static_cast<void>(std::move(to).send(std::move(value)));
}

task<> receives(workload_ledger& ledger, number value) {
    auto [to, from] = sync::oneshot::channel<number>();
    spawn(sends(std::move(to), value)).detach();
    const auto got = co_await std::move(from);
    if (!got)
        ++ledger.cancelled;  // the sender was, with its runtime
    else if (*got != value)
        ++ledger.wrong_results;
}

task<> forks(workload_ledger& ledger, number left, number right, int depth) {
    const auto [a, b] = co_await fork_join(node(ledger, left, depth), node(ledger, right, depth));
    if (a != left || b != right) ++ledger.wrong_results;
}

task<> forks_below_join(workload_ledger& ledger, number left, number right, int depth) {
    auto both = join(forks(ledger, left, right, depth), sleeps(left));
    co_await std::move(both);
}

task<> offloads(workload_ledger& ledger, number value) {
    auto job = [value, guard = tracked(ledger.alive)] { return mixed(value); };
    auto result = offload(std::move(job));
    const number got = co_await std::move(result);
    if (got != mixed(value)) ++ledger.wrong_results;
}

task<> blocks(workload_ledger& ledger, number value) {
    auto job = [value, guard = tracked(ledger.alive)] { return mixed(value); };
    auto result = blocking(std::move(job));
    const number got = co_await std::move(result);
    if (got != mixed(value)) ++ledger.wrong_results;
}

task<> scope_child(workload_ledger& ledger, number child, int depth, number& sum) {
    sum = co_await node(ledger, child, depth);
    if (child % 5 == 0) throw child_failed(child);
}

// Children write into the frame of whoever awaits them. The first that fails cancels the others.
task<> scopes(workload_ledger& ledger, number left, number right, int depth) {
    number got[2] = {};
    const auto spawn_both = [&](scope<>& children) {
        children.spawn(scope_child(ledger, left, depth, got[0]));
        children.spawn(scope_child(ledger, right, depth, got[1]));
    };
    const bool may_fail = left % 5 == 0 || right % 5 == 0;
    try {
        co_await task_scope(spawn_both);
        if (may_fail || got[0] != left || got[1] != right) ++ledger.wrong_results;
    } catch (const child_failed& failed) {
        if (failed.child != left && failed.child != right) ++ledger.wrong_results;
    } catch (const task_cancelled&) {
        ++ledger.cancelled;
    }
}

task<> steps_aside(workload_ledger& ledger, number value) {
    co_await yield_now();
    const number got = block_in_place([&ledger, value] {
        spawn(node(ledger, value, 0)).detach();
        return mixed(value);
    });
    if (got != mixed(value)) ++ledger.wrong_results;
    co_await yield_now();
}

// What has not ended in time is dropped in the middle.
task<> races(workload_ledger& ledger, number left, number right, int depth) {
    auto child = start(ledger, left, depth);
    auto first = select(node(ledger, right, depth), sleeps(left), std::move(child).abort_on_drop());
    try {
        co_await std::move(first);
    } catch (const task_cancelled&) {
        ++ledger.cancelled;
    }
}

task<> takes_some(workload_ledger& ledger, number which, int depth) {
    join_set<number> set;
    for (number i = 0; i != 4; ++i) set.spawn(node(ledger, mixed(which + i), depth));
    for (number i = which % 5; i != 0 && !set.empty(); --i) {
        try {
            const auto ended = co_await next(set);
            if (!ended) ++ledger.wrong_results;
        } catch (const task_cancelled&) {
            ++ledger.cancelled;
        }
    }
}

task<number> node(workload_ledger& ledger, number number_of_this, int depth) {
    const tracked local(ledger.alive);
    const number steps = 1 + mixed(number_of_this) % 3;
    for (number step = 0; step != steps; ++step) {
        const number choice = mixed(number_of_this * 16 + step);
        const number left = mixed(choice + 1);
        const number right = mixed(choice + 2);
        const int below = depth - 1;
        switch (depth == 0 ? choice % 4 : choice % 14) {
            case 0: co_await yield_now(); break;
            case 1: co_await sleeps(left); break;
            case 2: co_await offloads(ledger, left); break;
            case 3: co_await blocks(ledger, left); break;
            case 4: co_await receives(ledger, left); break;
            case 5: co_await join_one(ledger, start(ledger, left, below), left); break;
            case 6: {
                auto handle = start(ledger, left, below);
                if (right % 2 == 0) co_await yield_now();
                handle.abort();
                co_await join_one(ledger, std::move(handle), left);
                break;
            }
            case 7: start(ledger, left, below).detach(); break;
            case 8: co_await forks(ledger, left, right, below); break;
            case 9: co_await forks_below_join(ledger, left, right, below); break;
            case 10: co_await races(ledger, left, right, below); break;
            case 11: co_await takes_some(ledger, left, below); break;
            case 12: co_await steps_aside(ledger, left); break;
            case 13: co_await scopes(ledger, left, right, below); break;
        }
    }
    ++ledger.finished;
    co_return number_of_this;
}

}  // namespace

task<> workload(workload_ledger& ledger, std::uint64_t number_of_all, int roots, int depth) {
    std::vector<join_handle<number, never>> handles;
    const auto root = [&](int i) { return mixed(number_of_all + static_cast<number>(i)); };
    for (int i = 0; i != roots; ++i) handles.push_back(start(ledger, root(i), depth));
    for (int i = 0; i != roots; ++i)
        co_await join_one(ledger, std::move(handles[static_cast<std::size_t>(i)]), root(i));
}

}  // namespace pollux::test

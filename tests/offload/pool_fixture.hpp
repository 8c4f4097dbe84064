// SPDX-License-Identifier: MIT
// A runtime that a test polls into by hand, and what jobs of tests do: wait at a gate, record where they are destroyed.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/runtime/metrics.hpp"
#include "pollux/runtime/options.hpp"
#include "scheduler/runtime_core.hpp"
#include "support/wait_until.hpp"
#include "support/wake_counter.hpp"

namespace pollux::test {

/// A runtime with one worker, and polls on the test's thread that are in it.
class hand_polled_runtime {
public:
    explicit hand_polled_runtime(runtime_options options = {})
        : core_(detail::runtime_core::make(one_worker(std::move(options)), detail::runtime_core::flavour::threads)) {
        budget_.runtime = &core_;
    }
    hand_polled_runtime(const hand_polled_runtime&) = delete;
    hand_polled_runtime& operator=(const hand_polled_runtime&) = delete;
    ~hand_polled_runtime() {
        end();
        core_.drop_owner();
    }

    /// Once; the destructor does it otherwise.
    void end() {
        if (!std::exchange(has_ended_, true)) core_.end();
    }
    template <class F>
    auto poll(F& fut, const waker& to_wake) {
        context cx(to_wake, &budget_);
        return fut.poll(cx);
    }
    template <class F>
    auto poll(F& fut) {
        return poll(fut, noop_waker());
    }
    /// Polls until it is ready; sleeps between.
    template <class F>
    auto finish(F& fut) {
        wake_counter wakes;
        std::counting_semaphore<> woken(0);
        wakes.on_wake([&woken] { woken.release(); });
        for (;;) {
            auto answer = poll(fut, wakes.waker());
            if (answer.is_ready()) return answer;
            woken.acquire();
        }
    }
    runtime_metrics metrics() const { return core_.metrics(); }
    /// For what no wake-up tells: looks until it holds.
    template <class Holds>
    void wait_until(Holds&& holds) const {
        test::wait_until([&] { return holds(metrics()); });
    }

private:
    static runtime_options one_worker(runtime_options options) {
        options.workers = 1;
        if (options.cpu_slots == 0) options.cpu_slots = 1;
        return options;
    }

    detail::runtime_core& core_;
    detail::poll_budget budget_;
    bool has_ended_ = false;
};

/// Holds jobs up until it is opened.
class gate {
public:
    /// In the job. Copies go with closures.
    void pass() const {
        state_->entered.release();
        state_->open.acquire();
        state_->open.release();
    }
    void wait_for_one() const { state_->entered.acquire(); }
    void open() const { state_->open.release(); }

private:
    struct state {
        std::counting_semaphore<> entered{0};
        std::counting_semaphore<> open{0};
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

/// A capture that says where it was destroyed; a moved-from one does not.
class destruction {
public:
    struct report {
        std::atomic<int> count{0};
        std::atomic<std::thread::id> thread;
    };

    explicit destruction(report& to) noexcept : to_(&to) {}
    destruction(destruction&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
    destruction& operator=(destruction&&) = delete;
    ~destruction() {
        if (to_ == nullptr) return;
        to_->thread.store(std::this_thread::get_id());
        ++to_->count;
    }

private:
    report* to_;
};

}  // namespace pollux::test

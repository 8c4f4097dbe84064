// SPDX-License-Identifier: MIT
// What the futures of semaphores and locks hold: a place in the line of a permit_queue, from the first poll to the answer.
#pragma once

#include <cstddef>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/sync/permit_queue.hpp"

namespace pollux::inline v0::detail {

using std_permit_queue = permit_queue<waker, std_sync>;

/// Threads: one at a time, as the future that it is in. The queue outlives it.
class permit_wait {
public:
    permit_wait(std_permit_queue& from, std::size_t wanted) noexcept : from_(from), wanted_(wanted) {}
    permit_wait(permit_wait&& other) noexcept : from_(other.from_), wanted_(other.wanted_), step_(other.step_) {
        if (other.is_in_flight()) [[unlikely]]
            fail_check(moved_in_flight);
    }
    permit_wait& operator=(permit_wait&&) = delete;
    ~permit_wait() {
        if (step_ == step::waits) from_.withdraw(waiter_);
        if (step_ == step::has_taken) from_.give_back(wanted_);
    }

    /// Takes its place in the line in the first poll, whatever the budget says. Taken: the permits are the caller's.
    permit_answer poll(context& cx) noexcept {
        debug_check(step_ != step::is_over,
                    "pollux: acquire, lock: polled after it was ready; poll a future to its end once");
        if (step_ == step::fresh)
            become(from_.start(waiter_, wanted_, cx.waker()));
        else if (step_ == step::waits)
            become(from_.look(waiter_, cx.waker()));
        if (step_ == step::waits || !cx.consume_budget()) return permit_answer::pending;
        const auto answer = step_ == step::has_taken ? permit_answer::taken : permit_answer::closed;
        step_ = step::is_over;
        return answer;
    }

private:
    enum class step : unsigned char { fresh, waits, has_taken, is_refused, is_over };

    bool is_in_flight() const noexcept { return step_ == step::waits || step_ == step::has_taken; }
    void become(permit_answer answer) noexcept {
        step_ = answer == permit_answer::pending ? step::waits
                : answer == permit_answer::taken ? step::has_taken
                                                 : step::is_refused;
    }

    std_permit_queue& from_;
    std_permit_queue::waiter waiter_;
    std::size_t wanted_;
    step step_ = step::fresh;
};

}  // namespace pollux::inline v0::detail

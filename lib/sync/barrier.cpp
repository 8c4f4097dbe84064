// SPDX-License-Identifier: MIT
// Who comes to a barrier stands in its line; the last moves the line to a list of its own, in the hold that begins the next
// round, and wakes who is there. A waiter knows by the number of the round that it is through, whatever list it stands in;
// leaving that is under the lock.
#include "pollux/sync/barrier.hpp"

#include <utility>

#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0::detail {

barrier_future::barrier_future(barrier_future&& other) noexcept : at_(other.at_), step_(other.step_) {
    if (other.step_ != step::fresh && other.step_ != step::is_over) [[unlikely]]
        fail_check(moved_in_flight);
}

barrier_future::~barrier_future() {
    if (step_ != step::waits) return;
    const lock_scope guard(at_.lock_);
    if (at_.round_ == round_) --at_.arrived_;
    waiter_.leave();
}

polled<bool> barrier_future::advance(context& cx) noexcept {
    if (step_ == step::fresh) {
        waker mine = cx.waker();  // dropped after the lock was given back, if it is not needed
        wakers_to_call<waker> woken;
        ring_links released;
        bool is_left = false;
        {
            const lock_scope guard(at_.lock_);
            round_ = at_.round_;
            if (++at_.arrived_ == at_.count_) {
                step_ = step::is_last;
                at_.arrived_ = 0;
                ++at_.round_;
                released.take_all_of(at_.line_);
                is_left = !released.is_alone();
            } else {
                step_ = step::waits;
                std::swap(waiter_.waker, mine);
                at_.line_.push_back(waiter_);
            }
        }
        while (is_left) {
            {
                const lock_scope guard(at_.lock_);
                while (!released.is_alone() && !woken.is_full())
                    woken.take(static_cast<waiter_links<waker>&>(released.first()));
                is_left = !released.is_alone();
            }
            woken.call();
        }
    } else if (step_ == step::waits && !keep_waiting<waker>(waiter_, cx.waker(), at_.lock_, [this] {
                   if (at_.round_ == round_) return false;
                   waiter_.leave();
                   return true;
               })) {
        step_ = step::is_through;
        waiter_.waker = waker();
    }
    if (step_ == step::waits || !cx.consume_budget()) return pending;
    return std::exchange(step_, step::is_over) == step::is_last;
}

}  // namespace pollux::inline v0::detail

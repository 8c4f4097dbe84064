// SPDX-License-Identifier: MIT
// notify: wakes one or all of those who wait, without a value. The state, and the proofs, stand in sync/notify_state.hpp.
#pragma once

#include <cstdint>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/sync/notify_state.hpp"

namespace pollux::inline v0::detail {

using std_notify_state = notify_state<waker, std_sync>;

class [[nodiscard]] notified_future {
public:
    using value_type = void;
    using error_type = never;

    explicit notified_future(std_notify_state& by) noexcept : by_(by), calls_(by.calls()) {}
    notified_future(notified_future&& other) noexcept : by_(other.by_), calls_(other.calls_), step_(other.step_) {
        if (other.step_ != step::fresh && other.step_ != step::is_over) [[unlikely]]
            fail_check(moved_in_flight);
    }
    notified_future& operator=(notified_future&&) = delete;
    ~notified_future() {
        if (step_ == step::waits) by_.withdraw(waiter_);
        if (step_ == step::has_one) by_.notify_one();
    }

    polled<> poll(context& cx) noexcept {
        debug_check(step_ != step::is_over,
                    "pollux: notified: polled after it was ready; poll a future to its end once");
        if (step_ == step::fresh)
            become(by_.start(waiter_, calls_, cx.waker()));
        else if (step_ == step::waits)
            become(by_.look(waiter_, cx.waker()));
        if (step_ == step::waits || !cx.consume_budget()) return pending;
        step_ = step::is_over;
        return polled<>::ready();
    }

private:
    enum class step : unsigned char { fresh, waits, has_one, has_all, is_over };

    void become(notified_by found) noexcept {
        step_ = found == notified_by::nobody ? step::waits : found == notified_by::one ? step::has_one : step::has_all;
    }

    std_notify_state& by_;
    std_notify_state::waiter waiter_;
    std::uint64_t calls_;
    step step_ = step::fresh;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync {

/// Wakes those who wait for something that stands elsewhere: they make a notified(), look, and wait for it if there is nothing
/// yet.
///
/// It must outlive its futures. notify_one() does not touch it any more once who was notified can know, nor does notify_all()
/// unless more than eight wait: so it may be used to say that something is done, and then be destroyed.
/// Threads: any, at the same time. What was written before a notification is visible to who gets it.
/// Cost: 32 bytes, no allocation. A notification is one read-modify-write if nobody waits, else a short lock and the wakers.
/// Source: Tokio's Notify.
class notify {
public:
    notify() noexcept = default;

    /// A future that is ready once notified: by each notify_all() from this call on, by a notify_one() from its first poll on,
    /// in the order of the first polls.
    ///
    /// Cancel: dropping it loses nothing: what a notify_one() has given it goes to the next.
    /// Cost: no allocation, the waiter lives in the future.
    detail::notified_future notified() noexcept { return detail::notified_future(state_); }

    /// Notifies the one that waits longest. If nobody waits it is kept for the next first poll; one, however often it is
    /// called.
    void notify_one() noexcept { state_.notify_one(); }

    /// Notifies all futures that there are, whether they have been polled or not. Nothing is kept, and what notify_one() has
    /// left stays.
    void notify_all() noexcept { state_.notify_all(); }

private:
    detail::std_notify_state state_;
};

}  // namespace pollux::inline v0::sync

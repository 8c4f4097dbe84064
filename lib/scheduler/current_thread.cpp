// SPDX-License-Identifier: MIT
// Driving a runtime without threads. The one worker belongs to whoever has the seat.
#include <atomic>
#include <memory>
#include <system_error>
#include <utility>

#include "pollux/runtime/current_thread_runtime.hpp"
#include "scheduler/runtime_core.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0 {

namespace detail {

namespace {

// Wakes the future that block_on was given: it is polled by the driver, not from a queue. Kept by wakers that outlive the call, and
// with it the runtime's memory.
class root_wakeable final : public wakeable {
public:
    explicit root_wakeable(runtime_core& core) noexcept : core_(core) { core_.add_owner(); }
    ~root_wakeable() override { core_.drop_owner(); }

    void wake() noexcept override {
        // Release: what was written before the wake-up; pairs with the acquire in take().
        is_woken_.store(true, std::memory_order::release);
        core_.unpark(0);
    }
    bool take() noexcept { return is_woken_.exchange(false, std::memory_order::acquire); }  // pairs with wake()

private:
    runtime_core& core_;
    std::atomic<bool> is_woken_{true};
};

runtime_core& refuse_on_worker(runtime_core& core) {
    if (is_on_worker(core))
        throw std::system_error(
            std::make_error_code(std::errc::resource_deadlock_would_occur),
            "pollux: current_thread_runtime: driven from inside one of its own tasks; await the future instead");
    refuse_in_child(core);
    return core;
}

driver_seat::taken take_seat(runtime_core& core, seat_stay how) {
    refuse_on_worker(core);
    if (waits_for_us.in_job_of != &core) return core.seat().take(how);
    auto taken = core.seat().take_in_job(how);
    if (!taken)
        throw std::system_error(std::make_error_code(std::errc::resource_deadlock_would_occur),
                                "pollux: current_thread_runtime: driven in one of its own jobs, for which whoever "
                                "drives or ends it may wait; use block_on in the job");
    return taken;
}

class seat {
public:
    seat(runtime_core& core, seat_stay how) : seat(core, take_seat(core, how)) {}
    seat(runtime_core& core, driver_seat::taken taken)
        : taken_(std::move(taken)), worker_(*core.workers().front()), entered_(worker_) {}
    seat(const seat&) = delete;
    seat& operator=(const seat&) = delete;
    ~seat() { worker_.submit(); }
    worker& driven() noexcept { return worker_; }

private:
    driver_seat::taken taken_;
    worker& worker_;
    worker::entered entered_;
};

// The worker's polls of tasks have a context of their own. The root's may throw.
class root_poll {
public:
    root_poll(execution& self, context& cx) noexcept : self_(self), tasks_(std::exchange(self.current, &cx)) {
        self.can_fork = false;
    }
    root_poll(const root_poll&) = delete;
    root_poll& operator=(const root_poll&) = delete;
    ~root_poll() { self_.current = tasks_; }

private:
    execution& self_;
    context* const tasks_;
};

// While another thread drives: polls here whenever it is woken, since that one may wait for what this one is about to do. No seat: it has
// become ready.
driver_seat::taken take_seat_or_end(runtime_core& core, bool (*poll)(void*, context&), void* argument) {
    if (auto taken = core.seat().try_take(seat_stay::wait)) return taken;
    block_on_scope scope(core);
    thread_parker parker;
    const driver_seat::candidate mine(core.seat(), parker.waker());
    for (;;) {
        auto taken = core.seat().try_take(seat_stay::wait);
        context cx(parker.waker(), &scope.begin_poll());
        if (taken || poll(argument, cx)) return taken;
        parker.wait();
    }
}

// False: somebody asks for the seat.
bool drive_to_end(runtime_core& core, driver_seat::taken taken, bool (*poll)(void*, context&), void* argument) {
    seat mine(core, std::move(taken));
    worker& self = mine.driven();
    const auto root = std::make_shared<root_wakeable>(core);
    const waker to_wake = make_waker(root);
    poll_budget budget;
    while (!core.seat().is_asked_for()) {
        if (root->take()) {
            core.begin_root_poll(budget);
            context cx(to_wake, &budget);
            const root_poll scope(self, cx);
            if (poll(argument, cx)) return true;
        }
        if (self.run_one()) continue;
        // A wake-up of the root since take(), and who asks for the seat, have left a token.
        if (core.should_stop())
            self.park_behind_end();
        else
            self.park();
    }
    return false;
}

driver_seat::taken take_seat_from_driver(runtime_core& core) {
    return refuse_on_worker(core).seat().ask_for([&core] { core.unpark(0); });
}

}  // namespace

void drive_current_thread(runtime_core& core, bool (*poll)(void*, context&), void* argument) {
    refuse_on_worker(core);
    // What is polled here while another thread drives may destroy the runtime. It goes behind the seat.
    core.add_owner();
    const std::unique_ptr<runtime_core, void (*)(runtime_core*)> kept(
        &core, [](runtime_core* one) noexcept { one->drop_owner(); });
    for (;;) {
        auto taken = take_seat_or_end(core, poll, argument);
        if (!taken || drive_to_end(core, std::move(taken), poll, argument)) return;
    }
}

}  // namespace detail

current_thread_runtime::current_thread_runtime(runtime_options options)
    : core_(&detail::runtime_core::make(std::move(options), detail::runtime_core::flavour::current_thread)) {}

current_thread_runtime::~current_thread_runtime() {
    if (detail::is_joined_by(*core_) || detail::waits_for_us.in_job_of == core_)
        detail::fail_check(
            "pollux: ~current_thread_runtime: called inside one of its own tasks; or in one of its jobs or hooks, for "
            "which it would have to wait; destroy it outside");
    if (core_->is_in_child()) return;  // as ~runtime
    {
        // A thread that drops a scope or a fork would take it meanwhile, to end the children; a job may have it, to wait for the end.
        detail::seat mine(*core_, detail::take_seat_from_driver(*core_));
        core_->end();
    }
    core_->drop_owner();
}

shutdown_report current_thread_runtime::shutdown(std::chrono::nanoseconds grace) {
    detail::refuse_shutdown_on_own_thread(*core_);
    detail::refuse_endless_shutdown(*core_, grace);
    detail::seat mine(*core_, detail::take_seat_from_driver(*core_));
    return core_->shutdown(grace);
}

std::size_t current_thread_runtime::run_until_stalled() {
    detail::seat mine(*core_, detail::seat_stay::wait);  // a task that wakes itself may do so until a job has ended
    std::size_t polls = 0;
    const auto& seat = core_->seat();
    do
        while (!seat.is_asked_for() && mine.driven().run_one()) ++polls;
    while (!seat.is_asked_for() && mine.driven().look_for_events());
    return polls;
}

std::size_t current_thread_runtime::poll_once() {
    detail::seat mine(*core_, detail::seat_stay::turn);
    mine.driven().look_for_events();
    const std::size_t ready = mine.driven().fire_and_count();
    std::size_t polls = 0;
    while (polls != ready && !core_->seat().is_asked_for() && mine.driven().run_one()) ++polls;
    return polls;
}

runtime_metrics current_thread_runtime::metrics() const noexcept { return core_->metrics(); }

}  // namespace pollux::inline v0

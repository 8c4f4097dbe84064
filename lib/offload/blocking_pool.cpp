// SPDX-License-Identifier: MIT
// See blocking_pool.hpp for who calls whom.
#include "offload/blocking_pool.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/platform.hpp"
#include "pollux/core/execution.hpp"
#include "scheduler/thread_hooks.hpp"

namespace pollux::inline v0::detail {

namespace {

using steady = std::chrono::steady_clock;

// What a job waits, at least, before a thread is added for it, in microseconds: longer than most calls that turn out not to
// block, and what a caller of one that does can bear.
constexpr std::uint64_t patience_us = 1000;
// When the timer tries again to start a thread. A guess: a refused one costs some twenty microseconds.
constexpr auto retry_pause = std::chrono::milliseconds(10);
// What an idle thread waits for a call before it sleeps, in microseconds: what two futex calls cost. One thread at a time does.
constexpr std::uint64_t spin_us = 10;

steady::time_point after(std::chrono::nanoseconds time) noexcept {
    const auto now = steady_now();
    return time > steady::time_point::max() - now ? steady::time_point::max() : now + time;
}

}  // namespace

blocking_pool::blocking_pool(runtime_core& core)
    : job_pool(core),
      thread_name_(core.options().name + "-blk"),
      patience_(core.ticks_per_ms() * patience_us / 1000),
      growth_pause_(patience_),
      stoppable_(core.is_simulated()),
      retry_(core, [](void* self) noexcept { static_cast<blocking_pool*>(self)->try_again(); }, this) {}

blocking_pool::~blocking_pool() = default;

std::unique_ptr<runtime_service> make_blocking_pool(runtime_core& core) {
    return std::make_unique<blocking_pool>(core);
}

// --- handing in and taking out -----------------------------------------------------------------------------------------------

void blocking_pool::submit(job_base& job) {
    job.pushed_at = ticks_now();
    errand what;
    {
        std::unique_lock guard(lock_);
        queue_.push_back(job);
        if (is_closed_) {
            give_up_all(guard, nullptr);
            return;
        }
        what = see_to_queue();
    }
    do_errand(what);
}

void blocking_pool::take_out(job_base& job) noexcept {
    const std::lock_guard guard(lock_);
    queue_.unlink(job);
    over_.notify_all();
}

// Called after a push, and by whoever has taken a job while others wait.
blocking_pool::errand blocking_pool::see_to_queue() noexcept {
    errand what;
    // Relaxed: who raised it and has not lowered it yet, with the lock held, comes to the lock after us.
    if (is_closed_ || queue_.is_empty() || coming_.load(std::memory_order::relaxed) != 0) return what;
    if (idle_ != nullptr) {
        what.call = idle_;
        leave_idle(*idle_);
        what.call->is_called.store(true, std::memory_order::relaxed);  // only ends a spin
        coming_.fetch_add(1, std::memory_order::relaxed);              // with the lock held
        return what;
    }
    if (has_watcher_ || threads_ >= core_.options().max_blocking_threads) return what;
    if (threads_ == 0) {
        what.start = role::taker;
        coming_.fetch_add(1, std::memory_order::relaxed);  // with the lock held
    } else {
        if (ticks_now() < next_start_) return what;
        what.start = role::watcher;
        has_watcher_ = true;
    }
    ++threads_;
    ++starts_;
    return what;
}

void blocking_pool::do_errand(const errand& what) noexcept {
    if (what.call != nullptr) what.call->sleeper.unpark();
    if (what.start != role::none) start(what.start);
}

// --- starting and ending threads ---------------------------------------------------------------------------------------------

void blocking_pool::start(role as) noexcept {
    lock_guard guard(lock_, std::defer_lock);
    try {
        guard.lock();
        member& made = unused_member();
        made.state = life::alive;
        const unsigned number = next_number_++;
        guard.unlock();
        runtime_thread started;
        try {
            started = core_.start_thread([this, &made, as, number]() noexcept { live(made, as, number); });
        } catch (...) {
            guard.lock();
            made.state = life::unused;
            throw;
        }
        guard.lock();
        made.thread = std::move(started);
    } catch (...) {
        if (as == role::watcher)
            has_watcher_ = false;
        else
            coming_.fetch_sub(1, std::memory_order::relaxed);  // with the lock held
        lost_thread(guard, std::current_exception());
        arm_retry_if_wanted(guard);
    }
    --starts_;
    over_.notify_all();  // with the lock held: the pool may be gone right after it
}

blocking_pool::member& blocking_pool::unused_member() {
    for (const auto& each : members_)
        if (each->state == life::unused) return *each;
    return *members_.emplace_back(std::make_unique<member>());
}

// The pool is a thread poorer than it thought. Those that are left see to the jobs; if there are none, nobody would.
void blocking_pool::lost_thread(lock_guard& guard, const std::exception_ptr& why) noexcept {
    --threads_;
    next_start_ = ticks_now() + patience_;
    if (threads_ == 0) {
        next_start_ = 0;  // who comes next starts one anyway, and nobody would see to those who come while it runs
        give_up_all(guard, why);
    } else if (!is_closed_ && !has_retry_) {
        wants_retry_ = has_retry_ = true;
    }
}

// Where the pool stays for the caller: behind the start or the thread that was lost, before that is counted out.
void blocking_pool::arm_retry_if_wanted(lock_guard& guard) noexcept {
    if (!std::exchange(wants_retry_, false)) return;
    guard.unlock();
    retry_.arm(retry_pause);
    guard.lock();
}

void blocking_pool::try_again() noexcept {
    errand what;
    {
        const std::lock_guard guard(lock_);
        has_retry_ = false;
        next_start_ = 0;
        what = see_to_queue();
    }
    do_errand(what);
}

// Threads that have done all but return. Called by one that is about to: nobody else has to wait while they destroy what a user has
// made thread_local. The last to end is left for stop().
void blocking_pool::join_ended(lock_guard& guard) noexcept {
    for (std::size_t i = 0; i != members_.size(); ++i) {
        member& each = *members_[i];
        if (each.state != life::ended || !each.thread.joinable()) continue;
        runtime_thread ended = std::move(each.thread);
        each.state = life::unused;
        guard.unlock();
        ended.join();
        guard.lock();
    }
}

void blocking_pool::live(member& self, role as, unsigned number) noexcept {
    const runtime_options& options = core_.options();
    name_this_thread(thread_name_, number);
    std::exception_ptr failure;
    try {
        if (options.on_thread_start) options.on_thread_start();
    } catch (...) {
        failure = std::current_exception();
    }
    std::unique_lock guard(lock_);
    ++alive_;
    if (failure == nullptr) {
        {
            execution own;
            own.runtime = &core_;
            const execution_scope scope(own);
            const job_scope in_job(core_);
            work(self, as, guard);
        }
        guard.unlock();
        run_hook(options.on_thread_stop, "on_thread_stop");
        guard.lock();
        --threads_;
    } else {
        if (as == role::watcher)
            has_watcher_ = false;
        else
            coming_.fetch_sub(1, std::memory_order::relaxed);  // with the lock held
        lost_thread(guard, failure);
        arm_retry_if_wanted(guard);
    }
    // Jobs may have come since this thread decided to end.
    const errand what = see_to_queue();
    guard.unlock();
    do_errand(what);
    guard.lock();
    join_ended(guard);
    self.state = life::ended;
    --alive_;
    over_.notify_all();  // with the lock held: the pool may be gone right after it
}

// --- a thread's work ---------------------------------------------------------------------------------------------------------

void blocking_pool::work(member& self, role as, lock_guard& guard) noexcept {
    if (as == role::watcher)
        watch(self, guard);
    else
        coming_.fetch_sub(1, std::memory_order::relaxed);  // with the lock held
    for (;;) {
        if (job_base* const job = queue_.claim_first())
            run_one(*job, guard);
        else if (is_closed_ || !wait_for_call(self, guard))
            return;
    }
}

// Returns when the oldest job has waited for too long, or none waits.
void blocking_pool::watch(member& self, lock_guard& guard) noexcept {
    while (!is_closed_ && !queue_.is_empty()) {
        const std::uint64_t now = ticks_now();
        const std::uint64_t due = std::max(queue_.first()->pushed_at + patience_, next_growth_);
        if (now >= due) {
            growth_pause_ = finished_ == finished_at_growth_ ? growth_pause_ / 2 : patience_;
            finished_at_growth_ = finished_;
            next_growth_ = now + growth_pause_;
            break;
        }
        const std::chrono::nanoseconds pause(
            (due - now) * 1'000'000 / std::max<std::uint64_t>(core_.ticks_per_ms(), 1) + 1);
        guard.unlock();
        self.sleeper.park_until(after(pause));
        guard.lock();
    }
    has_watcher_ = false;
}

void blocking_pool::run_one(job_base& job, lock_guard& guard) noexcept {
    ++running_;
    if (job.takes_token) stoppable_.enter(job);
    const errand what = see_to_queue();
    guard.unlock();
    do_errand(what);
    job.run();
    if (job.takes_token) {
        guard.lock();
        stoppable_.leave(job, guard);
        guard.unlock();
    }
    // Before the awaiter is woken: what it hands in next has a thread coming. Relaxed: see see_to_queue().
    coming_.fetch_add(1, std::memory_order::relaxed);
    job_base* left = back_.complete_and_keep(job);
    if (left != nullptr && !left->holds_result()) std::exchange(left, nullptr)->free();
    guard = lock_guard(lock_);
    coming_.fetch_sub(1, std::memory_order::relaxed);
    if (left != nullptr) [[unlikely]]
        free_unwanted(*left, guard);
    --running_;
    ++finished_;
}

// Ends a result that nobody has taken. It is a user's, and may wait for what stands in the queue: meanwhile this thread does not count as
// coming.
void blocking_pool::free_unwanted(job_base& job, lock_guard& guard) noexcept {
    const errand what = see_to_queue();
    guard.unlock();
    do_errand(what);
    job.free();
    guard.lock();
}

// False: it has waited for long enough and is to end.
bool blocking_pool::wait_for_call(member& self, lock_guard& guard) noexcept {
    become_idle(self);
    if (!has_spinner_) spin_for_call(self, guard);
    const auto deadline = after(core_.options().blocking_keep_alive);
    while (self.is_idle && !is_closed_) {
        guard.unlock();
        const bool has_token = self.sleeper.park_until(deadline);
        guard.lock();
        if (has_token || !self.is_idle) continue;  // a token that comes late is a spurious one at the next sleep
        leave_idle(self);
        return !queue_.is_empty();
    }
    if (self.is_idle)
        leave_idle(self);
    else
        coming_.fetch_sub(1, std::memory_order::relaxed);  // with the lock held
    return true;
}

void blocking_pool::spin_for_call(const member& self, lock_guard& guard) noexcept {
    has_spinner_ = true;
    guard.unlock();
    const std::uint64_t end = ticks_now() + core_.ticks_per_ms() * spin_us / 1000;
    // Relaxed: the lock orders what the call is about.
    while (!self.is_called.load(std::memory_order::relaxed) && ticks_now() < end) pause_cpu();
    guard.lock();
    has_spinner_ = false;
}

void blocking_pool::become_idle(member& self) noexcept {
    self.is_idle = true;
    self.is_called.store(false, std::memory_order::relaxed);  // see spin_for_call()
    self.newer = nullptr;
    self.older = idle_;
    if (idle_ != nullptr) idle_->newer = &self;
    idle_ = &self;
    ++idle_count_;
}

void blocking_pool::leave_idle(member& self) noexcept {
    self.is_idle = false;
    (self.newer != nullptr ? self.newer->older : idle_) = self.older;
    if (self.older != nullptr) self.older->newer = self.newer;
    --idle_count_;
}

// --- the end -----------------------------------------------------------------------------------------------------------------

void blocking_pool::give_up_all(lock_guard& guard, const std::exception_ptr& why) noexcept {
    job_base* given_up = nullptr;
    while (job_base* const job = queue_.claim_first()) {
        job->next = given_up;
        given_up = job;
        ++running_;  // until it is out of our hands: stop() waits for it
    }
    std::size_t n = 0;
    guard.unlock();
    for (; given_up != nullptr; ++n) {
        job_base* const after = given_up->next;
        given_up->give_up(why);
        back_.complete(*given_up);
        given_up = after;
    }
    guard.lock();
    running_ -= n;
    over_.notify_all();
}

bool blocking_pool::is_over() const noexcept {
    return queue_.is_empty() && running_ == 0 && threads_ == 0 && starts_ == 0 && alive_ == 0;
}

void blocking_pool::close() noexcept {
    std::unique_lock guard(lock_);
    is_closed_ = true;
    give_up_all(guard, nullptr);
    for (const auto& each : members_) each->sleeper.unpark();
    stoppable_.ask_all(guard);
}

std::size_t blocking_pool::stop(std::chrono::steady_clock::time_point deadline) noexcept {
    std::size_t stuck = 0;
    {
        std::unique_lock guard(lock_);
        if (wait_until(over_, guard, deadline, core_.is_simulated(), [this] { return is_over(); }))
            join_ended(guard);
        else
            stuck = running_;
    }
    back_.drain();
    return stuck;
}

void blocking_pool::add_to(runtime_metrics& sum) const noexcept {
    const std::lock_guard guard(lock_);
    sum.blocking_threads += threads_;
    sum.blocking_idle += idle_count_ + (has_watcher_ ? 1 : 0);
    sum.blocking_queued += queue_.size();
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// See cpu_pool.hpp for the queues, the claims and the proofs that this speaks of.
#include "offload/cpu_pool.hpp"

#include <algorithm>
#include <utility>

#include "core/platform.hpp"
#include "offload/pause_briefly.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/offload/offload.hpp"

namespace pollux::inline v0::detail {

namespace {

// How long a runner keeps its thread before oneTBB may give it to another arena, in microseconds. oneTBB itself holds threads for
// about as long.
constexpr std::uint64_t slice_us = 1000;
// How long a runner without a job waits for one before it ends, in microseconds, at most: some times what starting one costs.
constexpr std::uint64_t linger_us = 20;
// Between two looks at the stack of new jobs while there are others to run, in microseconds: what a high job may come too late at
// most, behind jobs that are shorter.
constexpr std::uint64_t look_us = 2;
// Pauses between two looks of a lingering runner, some 40 nanoseconds each: doubled from the first to the second number, so that
// the line that submitters write stays with them.
constexpr unsigned least_pauses = 2, most_pauses = 16;
// One in so many starts prefers normal to high jobs, and low to both.
constexpr std::uint64_t normal_turn = 16, low_turn = 64;

}  // namespace

cpu_pool::cpu_pool(runtime_core& core)
    : job_pool(core, &queued_),
      slice_ticks_(core.ticks_per_ms() * slice_us / 1000),
      most_in_flight_(core.options().max_offloaded),
      look_ticks_(core.ticks_per_ms() * look_us / 1000),
      runners_(core.cpu_slots()),
      linger_(core.uses().lingering ? core.ticks_per_ms() * linger_us / 1000 : 0),
      stoppable_(core.is_simulated()) {
    if (!core.is_simulated()) tbb_ = std::make_unique<tbb_slots>(core.cpu_slots());
}

std::unique_ptr<runtime_service> make_cpu_pool(runtime_core& core) { return std::make_unique<cpu_pool>(core); }

// --- submitting --------------------------------------------------------------------------------------------------------------

void cpu_pool::submit(job_base& job) {
    push(job);
    start_runner_if_needed();
}

void cpu_pool::push(job_base& job) noexcept {
    job_base* newest = incoming_.load(std::memory_order::relaxed);  // checked by the exchange
    do job.next = newest;
    // Seq_cst: (1) of the proof; and release: the job, for the acquire in distribute(). Relaxed on failure: another push came
    // first, nothing of it is read.
    while (!incoming_.compare_exchange_weak(newest, &job, std::memory_order::seq_cst, std::memory_order::relaxed));
}

void cpu_pool::start_runner_if_needed() {
    switch (runners_.try_start()) {
        case runner_start::no: return;
        case runner_start::closed: {
            std::unique_lock guard(lock_);
            return give_up_all(guard, no_threads_);
        }
        case runner_start::start: break;
    }
    try {
        enqueue_runner(true);
    } catch (...) {
        start_failed(std::current_exception());
    }
}

// Other runners come to the jobs when they finish theirs. If there are none, nobody ever would. If there never was one, oneTBB has no
// thread, and it counts the one that it was refused: it will not try again. So no job ever runs here.
void cpu_pool::start_failed(std::exception_ptr why) noexcept {
    std::unique_lock guard(lock_);
    if (!core_.is_simulated() &&
        !has_had_runner_.load(std::memory_order::relaxed)) {  // relaxed: a runner that begins only now sees to the jobs
        no_threads_ = why;
        runners_.close();
        tbb_share::has_no_threads();
    }
    if (runners_.start_failed()) give_up_all(guard, why);
    over_.notify_all();
}

void cpu_pool::take_out(job_base& job) noexcept {
    const std::lock_guard guard(lock_);
    distribute();
    if (job.is_waiting) {
        waiting_.unlink(job);
    } else {
        queues_[job.priority].unlink(job);
        queued_.store(queued_.load(std::memory_order::relaxed) - 1, std::memory_order::relaxed);  // only under the lock
    }
    admit();
    // A runner need not be started: the job that goes had one coming to it, and an admitted one takes its place.
    over_.notify_all();
}

// --- running -----------------------------------------------------------------------------------------------------------------

void cpu_pool::enqueue_runner(bool is_first) {
    if (core_.is_simulated()) {
        core_.start_detached([this, is_first] { run(is_first); });
        return;
    }
    struct counted {
        explicit counted(std::atomic<unsigned>& of) noexcept : count(of) {
            count.fetch_add(1, std::memory_order::relaxed);  // the runner shows it to stop() by its end
        }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() { count.fetch_sub(1, std::memory_order::release); }  // pairs with the acquire in stop()
        std::atomic<unsigned>& count;
    };
    const counted in_use(enqueuing_);
    before_enqueue(this);
    tbb_share::runner_waits();
    try {
        enqueue_in(
            tbb_->arena,
            is_first ? [](void* self) { static_cast<cpu_pool*>(self)->run(true); }
                     : [](void* self) { static_cast<cpu_pool*>(self)->run(false); },
            this);
    } catch (...) {
        tbb_share::runner_is_refused();
        throw;
    }
    tbb_share::runner_is_enqueued();
}

void cpu_pool::run(bool is_first) noexcept {
    in_enqueued(this);
    has_had_runner_.store(true, std::memory_order::relaxed);  // see start_failed()
    if (is_first) runners_.has_started();                     // (a)
    if (!core_.is_simulated()) tbb_share::runner_begins();
    execution own;
    own.runtime = &core_;
    const execution_scope scope(own);
    const job_scope in_job(core_);
    const std::uint64_t slice_end = ticks_now() + slice_ticks_;
    std::uint64_t last_look = 0;
    bool just_came = true;
    bool has_run = false;
    unsigned just_ran = 0;  // jobs, without lingering
    for (;;) {
        const std::uint64_t now = ticks_now();
        if (has_run && now >= slice_end) {
            {
                const std::lock_guard guard(lock_);
                finished_one();
            }
            has_run = false;
            if (!looks_empty() && hand_over()) return;
        }
        bool more = false;
        job_base* const job = next(std::exchange(has_run, false), more, now, last_look);
        if (job == nullptr) {
            if (!linger(std::exchange(just_ran, 0))) return;
            just_came = true;
            last_look = 0;  // (b) is a look at all there is
            continue;
        }
        if (std::exchange(just_came, false) && more) start_runner_if_needed();  // (c)
        run_one(*job);
        has_run = true;
        ++just_ran;
    }
}

job_base* cpu_pool::next(bool has_run, bool& more, std::uint64_t now, std::uint64_t& last_look) noexcept {
    const std::lock_guard guard(lock_);
    if (has_run) finished_one();
    // Relaxed: only written under the lock.
    if (queued_.load(std::memory_order::relaxed) == 0 || now - last_look >= look_ticks_) {
        last_look = now;
        distribute();
    }
    job_base* const job = claim_next();
    if (job != nullptr) {
        ++running_;
        if (job->takes_token) stoppable_.enter(*job);
    }
    more = queued_.load(std::memory_order::relaxed) != 0;
    return job;
}

void cpu_pool::run_one(job_base& job) noexcept {
    // Relaxed: if close() has not seen the job, its lock comes before the one that the job was claimed with.
    if (runners_.is_closed()) [[unlikely]]
        job.give_up(nullptr);
    else if (job.start_before != instant::max() && job.start_before < clock::now())
        job.give_up(std::make_exception_ptr(offload_expired(job.name)));
    else
        job.run();
    if (job.takes_token) {
        std::unique_lock guard(lock_);
        stoppable_.leave(job, guard);
    }
    back_.complete(job);
}

// False: oneTBB took no successor; this runner goes on.
bool cpu_pool::hand_over() noexcept {
    try {
        enqueue_runner(false);
        return true;
    } catch (...) {
        return false;  // out of memory: a later slice tries again
    }
}

// True: go on. False: this runner has ended, touch nothing.
bool cpu_pool::linger(unsigned just_ran) noexcept {
    const std::uint64_t spin = linger_.ticks();
    // With all slots taken nobody asks whether this one lingers, so the first wait need not be told: most jobs that follow
    // closely come in it.
    if (spin != 0 && runners_.all_slots_run()) {
        pause_briefly(most_pauses);
        if (!looks_empty()) return true;
    }
    runners_.lingers();
    bool has_come = false;
    if (just_ran >= many_jobs && core_.uses().lingering) {
        wait_a_turn();
        has_come = !looks_empty();
    }
    if (!has_come) {
        if (spin != 0 || core_.is_simulated()) has_come = look_for_a_while(ticks_now() + spin);
        linger_.has_brought(has_come);
    }
    if (!has_come) return leave_or_stay();
    runners_.goes_on();  // (a); (b) is the next turn of run()
    return true;
}

bool cpu_pool::look_for_a_while(std::uint64_t end) const noexcept {
    unsigned pauses = least_pauses;
    do {
        if (!looks_empty()) return true;
        pause_briefly(pauses);
        pauses = std::min(2 * pauses, most_pauses);
    } while (ticks_now() < end && !runners_.is_closed());
    return false;
}

bool cpu_pool::leave_or_stay() noexcept {
    runners_.leaves();  // (a)
    const std::lock_guard guard(lock_);
    if (!looks_empty() && runners_.comes_back()) return true;  // (b)
    runners_.has_left();
    over_.notify_all();  // under the lock: the pool may be gone right after it
    return false;
}

bool cpu_pool::looks_empty() const noexcept {
    // Seq_cst: (b). Relaxed: under the lock in leave_or_stay(), else a hint.
    return incoming_.load(std::memory_order::seq_cst) == nullptr && queued_.load(std::memory_order::relaxed) == 0;
}

// --- with the lock held ------------------------------------------------------------------------------------------------------

void cpu_pool::distribute() noexcept {
    if (incoming_.load(std::memory_order::seq_cst) == nullptr) return;  // (b)
    // Acquire: pairs with push(), shows the jobs.
    job_base* rest = incoming_.exchange(nullptr, std::memory_order::acquire);
    job_base* oldest = nullptr;
    while (rest != nullptr) {
        job_base* const after = rest->next;
        rest->next = oldest;
        oldest = rest;
        rest = after;
    }
    std::size_t n = queued_.load(std::memory_order::relaxed);  // only written under the lock
    while (oldest != nullptr) {
        job_base* const after = oldest->next;
        // Nobody overtakes those that wait.
        if (waiting_.is_empty() && n + running_ < most_in_flight_) [[likely]] {
            queues_[oldest->priority].push_back(*oldest);
            ++n;
        } else {
            oldest->is_waiting = true;
            waiting_.push_back(*oldest);
        }
        oldest = after;
    }
    queued_.store(n, std::memory_order::relaxed);
}

void cpu_pool::finished_one() noexcept {
    --running_;
    if (!waiting_.is_empty()) admit();
}

void cpu_pool::admit() noexcept {
    std::size_t n = queued_.load(std::memory_order::relaxed);  // only written under the lock
    for (; n + running_ < most_in_flight_ && !waiting_.is_empty(); ++n) {
        job_base& job = *waiting_.first();
        waiting_.unlink(job);
        job.is_waiting = false;
        queues_[job.priority].push_back(job);
    }
    queued_.store(n, std::memory_order::relaxed);
}

job_base* cpu_pool::claim_next() noexcept {
    const std::size_t n = queued_.load(std::memory_order::relaxed);  // only written under the lock
    if (n == 0) return nullptr;
    ++picks_;
    const unsigned preferred = picks_ % low_turn == 0 ? 2 : picks_ % normal_turn == 0 ? 1 : 0;
    job_base* job = queues_[preferred].claim_first();
    for (unsigned i = 0; job == nullptr && i != priorities; ++i) job = queues_[i].claim_first();
    if (job != nullptr) queued_.store(n - 1, std::memory_order::relaxed);
    return job;
}

void cpu_pool::give_up_all(std::unique_lock<short_lock>& guard, const std::exception_ptr& why) noexcept {
    distribute();
    job_base* given_up = nullptr;
    const auto take_from = [&](job_list& list) {
        while (job_base* const job = list.claim_first()) {
            job->next = given_up;
            given_up = job;
            ++running_;  // until it is out of our hands: stop() waits for it
        }
    };
    take_from(waiting_);
    for (job_list& each : queues_) take_from(each);
    std::size_t left = 0;  // those whose futures are on their way here
    for (const job_list& each : queues_) left += each.size();
    queued_.store(left, std::memory_order::relaxed);  // only under the lock
    std::uint64_t n = 0;
    guard.unlock();
    for (; given_up != nullptr; ++n) {
        job_base* const after = given_up->next;
        given_up->give_up(why);
        back_.complete(*given_up);
        given_up = after;
    }
    guard.lock();
    running_ -= n;
    admit();
    over_.notify_all();
}

bool cpu_pool::is_over() const noexcept {
    bool is_empty = waiting_.is_empty() && running_ == 0;
    for (const job_list& each : queues_) is_empty = is_empty && each.is_empty();
    return is_empty && runners_.is_over();
}

// --- the rest ----------------------------------------------------------------------------------------------------------------

void cpu_pool::close() noexcept {
    runners_.close();  // before the look at the queues; see (2)
    std::unique_lock guard(lock_);
    give_up_all(guard, nullptr);
    stoppable_.ask_all(guard);
}

std::size_t cpu_pool::stop(std::chrono::steady_clock::time_point deadline) noexcept {
    std::size_t stuck = 0;
    bool is_at_end = false;
    {
        std::unique_lock guard(lock_);
        is_at_end = wait_until(over_, guard, deadline, core_.is_simulated(), [this] { return is_over(); });
        if (!is_at_end) stuck = running_;
    }
    back_.drain();
    if (is_at_end) give_arena_back();
    return stuck;
}

void cpu_pool::give_arena_back() noexcept {
    // A runner may have come and gone before who has enqueued it is out of oneTBB again.
    while (enqueuing_.load(std::memory_order::acquire) != 0) wait_a_turn();  // pairs with enqueue_runner()
    std::unique_ptr<tbb_slots> not_needed;
    const std::lock_guard guard(lock_);
    std::swap(not_needed, tbb_);
}

void cpu_pool::add_to(runtime_metrics& sum) const noexcept {
    const std::lock_guard guard(lock_);
    const std::uint64_t queued = queued_.load(std::memory_order::relaxed);
    // Those of the stack that have room. Acquire: pairs with push(), shows the links. With the lock held nobody takes one out.
    std::uint64_t have_come = 0;
    for (const job_base* job = incoming_.load(std::memory_order::acquire); job != nullptr; job = job->next) ++have_come;
    const std::uint64_t room = most_in_flight_ - std::min(most_in_flight_, queued + running_);
    sum.offload_queued += queued + std::min(room, have_come);
    sum.offload_running += running_;
    sum.offload_slots += tbb_ != nullptr ? tbb_->share.usable_slots() : core_.cpu_slots();
}

}  // namespace pollux::inline v0::detail

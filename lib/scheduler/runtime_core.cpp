// SPDX-License-Identifier: MIT
// See runtime_core.hpp for the order in which a runtime ends.
#include "scheduler/runtime_core.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "core/ticks.hpp"
#include "pollux/core/block_cache.hpp"
#include "pollux/core/task_state.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/spawn.hpp"
#include "scheduler/cpu_count.hpp"
#include "scheduler/task_waker.hpp"
#include "scheduler/thread_hooks.hpp"
#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

constinit thread_local heuristics chosen_heuristics;

namespace {

runtime_options checked(runtime_options options, runtime_core::flavour which) {
    if (options.workers > idle_set<>::most_workers)
        throw std::invalid_argument("pollux: runtime: workers = " + std::to_string(options.workers) +
                                    " is too many; use at most " + std::to_string(idle_set<>::most_workers));
    if (options.cpu_slots > idle_set<>::most_workers)
        throw std::invalid_argument("pollux: runtime: cpu_slots = " + std::to_string(options.cpu_slots) +
                                    " is too many; use at most " + std::to_string(idle_set<>::most_workers));
    if (options.max_blocking_threads == 0)
        throw std::invalid_argument("pollux: runtime: max_blocking_threads is 0; blocking() needs at least one thread");
    if (options.max_offloaded == 0)
        throw std::invalid_argument("pollux: runtime: max_offloaded is 0; offload() needs room for at least one job");
    if (options.blocking_keep_alive < std::chrono::nanoseconds::zero())
        throw std::invalid_argument(
            "pollux: runtime: blocking_keep_alive is negative; use 0 to end idle threads at once");
    if (options.watchdog_limit < std::chrono::nanoseconds::zero())
        throw std::invalid_argument("pollux: runtime: watchdog_limit is negative; use 0 for no watchdog");
    if (options.timer_tick <= std::chrono::nanoseconds::zero())
        throw std::invalid_argument("pollux: runtime: timer_tick = " + std::to_string(options.timer_tick.count()) +
                                    " ns is not positive; use at least 1 ns, 1 ms suits most");
    if (options.timer_tick > std::chrono::seconds(1))
        throw std::invalid_argument("pollux: runtime: timer_tick = " + std::to_string(options.timer_tick.count()) +
                                    " ns is too long; use at most 1 s, 1 ms suits most");
    if (options.io != io_driver::epoll && options.io != io_driver::uring)
        throw std::invalid_argument("pollux: runtime: io = " + std::to_string(static_cast<int>(options.io)) +
                                    " is no driver; use io_driver::epoll or io_driver::uring");
    const unsigned cpus = usable_cpu_count();
    if (which == runtime_core::flavour::current_thread)
        options.workers = 1;
    else if (options.workers == 0)
        options.workers = cpus;
    if (options.cpu_slots == 0)
        options.cpu_slots = which == runtime_core::flavour::current_thread ? cpus : options.workers;
    return options;
}

// Shards of the list of tasks and of the injection queue: a few for each worker, so that two rarely meet. In a simulation one:
// which one a task is in depends on its address or thread.
unsigned shards_for(unsigned workers, unsigned each, unsigned most, const platform* simulation) {
    return simulation != nullptr ? 1 : std::min(most, std::bit_ceil(workers * each));
}

// Workers, and those that stand in for them: as many as there is place in a single leaf of the idle set, or a few. A guess: so many
// polls are rarely stuck at once.
unsigned places_for(unsigned workers, runtime_core::flavour which) {
    constexpr unsigned in_one_leaf = 64, few = 16;
    if (which == runtime_core::flavour::current_thread) return 1;
    return workers + few <= in_one_leaf ? in_one_leaf : std::min(workers + few, idle_set<>::most_workers);
}

std::uint64_t seed_for(const runtime_options& options) {
    if (options.seed != 0) return options.seed;
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace

runtime_core::runtime_core(runtime_options options, flavour which, platform* simulation)
    : simulation_(simulation),
      ticks_per_ms_(simulation != nullptr ? 0 : ticks_per_millisecond()),
      options_(checked(std::move(options), which)),
      uses_(chosen_heuristics),
      flavour_(which),
      idle_(options_.workers, places_for(options_.workers, which),
            simulation == nullptr && uses_.light_fences && membarrier_is_available()),
      injection_(shards_for(options_.workers, 1, 16, simulation)),
      census_(places_for(options_.workers, which), idle_.is_asymmetric()),
      tasks_(shards_for(options_.workers, 4, 256, simulation)),
      workers_(places_for(options_.workers, which)),
      seed_(seed_for(options_)) {
    for (unsigned i = 0; i != options_.workers; ++i) workers_.add(make_worker());
}

std::unique_ptr<worker> runtime_core::make_worker() {
    seed_ += 0x9e3779b97f4a7c15;  // an odd constant without pattern: the workers' sequences differ
    return std::make_unique<worker>(*this, static_cast<unsigned>(workers_.size()), seed_, idle_.is_asymmetric());
}

runtime_core::~runtime_core() { block_cache::empty_common(); }

runtime_core& runtime_core::make(runtime_options options, flavour which, platform* simulation) {
    auto* const core = new runtime_core(std::move(options), which, simulation);
    try {
        if (core->options().io == io_driver::uring && simulation == nullptr) start_driver(*core);
        if (core->has_threads()) core->start_threads();
    } catch (...) {
        core->stop_threads();
        core->drop_owner();
        throw;
    }
    return *core;
}

void runtime_core::drop_owner() noexcept {
    // Release: what this owner did with it; acquire: what the others did. Partner: this line.
    if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
}

// --- threads -----------------------------------------------------------------------------------------------------------------

runtime_thread runtime_core::start_thread(std::function<void()> body) {
    return runtime_thread(simulation_, [this, body = std::move(body)] {
        waits_for_us.thread_of = this;
        body();
    });
}

void runtime_core::start_threads() {
    start_gate gate;
    threads_.reserve(workers_.size());  // a thread that has started and finds no place here would end the process
    for (const auto& each : workers_) {
        threads_.push_back(start_thread([this, &gate, self = each.get()]() noexcept {
            name_this_thread(options_.name, self->index());
            if (!gate.enter(options_.on_thread_start)) return;
            self->run_until_stopped();
            run_hook(options_.on_thread_stop, "on_thread_stop");
        }));
        gate.wait_for_one(is_simulated());
    }
    if (options_.watchdog_limit != std::chrono::nanoseconds::zero() && uses_.watchdog && !is_simulated())
        watchdog_.start();
}

void runtime_core::stop_threads() noexcept {
    should_stop_.store(true,
                       std::memory_order::release);  // pairs with should_stop(); the unparks below make workers look
    for (const auto& each : workers_) each->unpark();
    join_threads();
}

void runtime_core::join_threads() noexcept {
    for (runtime_thread& each : threads_) each.join();
    threads_.clear();
    watchdog_.stop();
    stand_ins_.stop();  // now nobody hires any more
}

void runtime_core::all_tasks_have_ended() noexcept {
    should_stop_.store(true, std::memory_order::release);  // pairs with should_stop()
    for (const auto& each : workers_) each->unpark();
}

void runtime_core::end() noexcept {
    // Relaxed: whoever destroys a runtime has ordered that behind its other uses.
    if (!is_shut_down_.exchange(true, std::memory_order::relaxed)) end_tasks();
    stop_services(std::chrono::steady_clock::time_point::max());
}

shutdown_report runtime_core::shutdown(std::chrono::nanoseconds grace) noexcept {
    using time_point = platform::time_point;
    if (is_shut_down_.exchange(true, std::memory_order::relaxed)) return {};  // says only who is the first
    const auto start = steady_now();
    end_tasks();
    shutdown_report report;
    for (const auto& each : workers_) report.cancelled += each->cancelled();
    report.stuck = stop_services(can_end(grace) ? start + grace : time_point::max());
    return report;
}

void runtime_core::end_tasks() noexcept {
    const bool is_empty = census_.end();
    // In two steps: the end of one wakes others, which must not go on because of it.
    tasks_.close([](task_header& task) { task_states::mark_cancelled(task.state); });
    tasks_.for_each([](task_header& task) {
        if (!task_states::is_child(task.state)) end_marked_task(task);
    });
    // Release: pairs with the acquire in end_rest(): those above are queued. Who sleeps already comes to it when it is woken.
    has_rest_.store(true, std::memory_order::release);
    for (const auto& each : workers_) each->unpark();
    if (is_empty) all_tasks_have_ended();
    if (has_threads()) {
        join_threads();
    } else {
        workers_.front()->drive_until_stopped();
    }
    wait_for_visitors();
    for (unsigned i = 0; i != options_.workers; ++i) workers_[i]->wheel().close();  // others share them
}

bool runtime_core::end_rest() noexcept {
    // Acquire: pairs with the release in end_tasks().
    if (!has_rest_.exchange(false, std::memory_order::acquire)) return false;
    tasks_.for_each([](task_header& task) { end_marked_task(task); });
    return true;
}

std::size_t runtime_core::stop_services(std::chrono::steady_clock::time_point deadline) noexcept {
    // A thread that makes one now finds the runtime ending, or is waited for here. Not longer: a job may just be about to find that, and its
    // pool waits for it below.
    { const std::lock_guard guard(service_lock_); }
    // All of them first: what is queued in one must not start while another waits for what runs.
    for (const auto& each : services_)
        if (each != nullptr) each->close();
    std::size_t still_running = 0;
    for (const auto& each : services_)
        if (each != nullptr) still_running += each->stop(deadline);
    return still_running;
}

void runtime_core::wait_for_visitors() noexcept {
    for (visitor_count& each : visitors_)
        // Acquire: pairs with the release of leaving in push_from_outside(): its accesses come before the core goes. A visitor is
        // between two instructions of ours, so this ends soon. Relaxed: nobody enters any more, and whoever has is published by the
        // push, which comes before the end of its task.
        while (each.left.load(std::memory_order::acquire) != each.entered.load(std::memory_order::relaxed))
            wait_a_turn();
}

// --- scheduling --------------------------------------------------------------------------------------------------------------

void runtime_core::unpark(unsigned index) noexcept { workers_[index]->unpark(); }

constinit thread_local std::uint64_t next_task_id = 0;

task_id first_id_of_block() noexcept {
    static constinit std::atomic<std::uint64_t> next_block{1};
    next_task_id = next_block.fetch_add(1, std::memory_order::relaxed) * task_id_block;  // only has to be unique
    return task_id{next_task_id++};
}

namespace {

// What an exception says, in a buffer that needs no memory.
struct described {
    explicit described(const std::exception_ptr& exception) noexcept {
        try {
            std::rethrow_exception(exception);
        } catch (const std::exception& error) {
            std::snprintf(text, sizeof text, "%s", error.what());
        } catch (...) {
            std::snprintf(text, sizeof text, "not a std::exception");
        }
    }
    char text[256];
};

bool is_cancellation(const std::exception_ptr& exception) noexcept {
    try {
        std::rethrow_exception(exception);
    } catch (const task_cancelled&) {
        return true;
    } catch (...) {  // anything else is news
        return false;
    }
}

}  // namespace

void runtime_core::report_unhandled(task_id id, std::exception_ptr exception, bool was_cancelled) noexcept {
    if ((was_cancelled || is_ending()) && is_cancellation(exception)) return;
    const auto number = static_cast<unsigned long long>(id.value);
    if (options_.on_unhandled_exception) {
        try {
            options_.on_unhandled_exception(id, exception);
            return;
        } catch (...) {
            std::fprintf(stderr,
                         "pollux: on_unhandled_exception: threw: %s; catch inside the hook what you want to see\n",
                         described(std::current_exception()).text);
        }
    }
    std::fprintf(stderr,
                 "pollux: task %llu: ended with an exception that nobody will see: %s; await its handle or set "
                 "on_unhandled_exception\n",
                 number, described(exception).text);
}

// --- services, timers, metrics -----------------------------------------------------------------------------------------------

runtime_service& runtime_core::service(service_kind which, service_maker make_service) {
    const auto index = static_cast<unsigned>(which);
    if (is_ending()) throw task_cancelled();
    // Acquire: pairs with the release below: shows the object.
    if (runtime_service* const made = service_[index].load(std::memory_order::acquire)) return *made;
    const std::lock_guard guard(service_lock_);
    if (is_ending()) throw task_cancelled();  // again: see stop_services()
    if (services_[index] == nullptr) {
        services_[index] = make_service(*this);
        service_[index].store(services_[index].get(),
                              std::memory_order::release);  // pairs with the acquires here
    }
    return *services_[index];
}

void runtime_core::serve(event_driver& driver) noexcept {
    driver_.store(&driver, std::memory_order::release);  // pairs with driver()
    // Those that sleep already do not know of it: one of them searches for nothing and sleeps in it then. If none does, or one
    // searches, they come to it by themselves.
    if (const auto sleeper = idle_.after_push()) unpark(*sleeper);
}

sleep_wheel& runtime_core::wheel_for_visitor() noexcept {
    return workers_[this_thread_number() % options_.workers]->wheel();
}

void runtime_core::wheel_has_earlier(const sleep_wheel& wheel) noexcept {
    // The worker itself looks at its wheel before it sleeps; but it may be away, now or soon.
    const worker* const mine = this_worker();
    for (worker* each = workers_[wheel.index()].get(); each != nullptr; each = each->stand_in())
        if (each != mine) each->unpark();
}

runtime_metrics runtime_core::metrics() const noexcept {
    runtime_metrics sum;
    sum.workers = options_.workers;
    if (!should_stop()) sum.alive_tasks = census_.alive();  // behind the last one's end only refused spawns are counted
    sum.spawned = census_.spawned();
    sum.injection_depth = injection_.approximate_size();
    for (const visitor_count& each : visitors_)
        sum.injected += each.entered.load(std::memory_order::relaxed);  // a metric
    for (const auto& each : workers_) each->add_to(sum);
    for (unsigned i = 0; i != options_.workers; ++i)
        sum.timers_armed += workers_[i]->wheel().size();  // others share them
    for (const auto& each : service_)
        // Acquire: pairs with the release in service().
        if (const runtime_service* const service = each.load(std::memory_order::acquire)) service->add_to(sum);
    return sum;
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// Starting threads of a runtime, workers and blocking threads alike: their name, their signals, the user's hooks.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "core/platform.hpp"

namespace pollux::inline v0::detail {

/// A thread of a runtime. As std::thread: joined before it goes.
class runtime_thread {
public:
    runtime_thread() noexcept = default;
    /// One of the simulation's, or (null) of the system's, with all signals blocked: the program's handlers run on the program's
    /// own threads. Throws: std::system_error, std::bad_alloc.
    runtime_thread(platform* simulation, std::function<void()> body);

    bool joinable() const noexcept { return simulated_ != nullptr || system_.joinable(); }
    void join() noexcept;

private:
    std::thread system_;
    std::shared_ptr<platform_thread> simulated_;
};

/// Waits until `is_over()`, at most until `deadline`. False: that came first. The lock is held whenever it asks, and whoever changes the
/// answer notifies with it held. `is_simulated`: it is threads of a simulation that do.
template <class Condition, class Lock, class IsOver>
bool wait_until(Condition& changed, std::unique_lock<Lock>& guard, platform::time_point deadline, bool is_simulated,
                IsOver is_over) {
    if (!is_simulated) {
        if (deadline != platform::time_point::max()) return changed.wait_until(guard, deadline, is_over);
        changed.wait(guard, is_over);
        return true;
    }
    while (!is_over()) {
        if (steady_now() >= deadline) return false;
        guard.unlock();
        wait_a_turn(deadline);
        guard.lock();
    }
    return true;
}

// Counted from one. Zero: nobody has asked for it yet.
extern constinit thread_local unsigned thread_number [[gnu::tls_model("initial-exec")]];
unsigned first_thread_number() noexcept;

/// A small number of this thread's own, for choosing one of a few shards where the choice changes nothing that happens.
inline unsigned spreading_number() noexcept {
    const unsigned mine = thread_number;
    return mine != 0 ? mine : first_thread_number();
}
/// The same for choices that change something: in a simulation it is zero, as there it has to repeat.
inline unsigned this_thread_number() noexcept { return is_simulated_thread() ? 0 : spreading_number() - 1; }

/// "name-3", cut to the 15 characters that the system keeps; the number stays. Nothing in a simulation, whose threads have no names.
void name_this_thread(const std::string& name, unsigned number) noexcept;
/// The same with a word in the number's place.
void name_this_thread(const std::string& name, const char* word) noexcept;

/// Runs a hook that nobody waits for, if there is one. False: it has thrown, which became one line on stderr. `name`: of the option.
bool run_hook(const std::function<void()>& hook, const char* name) noexcept;

// The way of one new thread's start hook: what it throws comes out where the thread was started.
class start_gate {
public:
    /// On the new thread. False: the hook has thrown and the thread must end.
    bool enter(const std::function<void()>& hook) noexcept;
    /// On the thread that started it: waits for enter(). Throws: what the hook threw.
    void wait_for_one(bool is_simulated);

private:
    std::mutex lock_;
    std::condition_variable entered_;
    bool has_entered_ = false;
    std::exception_ptr failure_;
};

}  // namespace pollux::inline v0::detail

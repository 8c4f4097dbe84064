// SPDX-License-Identifier: MIT
#include "scheduler/thread_hooks.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <utility>

namespace pollux::inline v0::detail {

runtime_thread::runtime_thread(platform* simulation, std::function<void()> body) {
    if (simulation != nullptr) {
        simulated_ = simulation->start(std::move(body));
        return;
    }
    // A thread inherits the mask of the one that starts it.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    // A fault of the thread's own must end the process as it does elsewhere.
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        system_ = std::thread(std::move(body));
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
}

void runtime_thread::join() noexcept {
    if (simulated_ == nullptr) return system_.join();
    simulated_->join();
    simulated_.reset();
}

constinit thread_local unsigned thread_number = 0;

unsigned first_thread_number() noexcept {
    static constinit std::atomic<unsigned> next{1};
    return thread_number = next.fetch_add(1, std::memory_order::relaxed);  // any number will do
}

void name_this_thread(const std::string& name, unsigned number) noexcept {
    char digits[12];
    std::snprintf(digits, sizeof digits, "%u", number);
    name_this_thread(name, digits);
}

void name_this_thread(const std::string& name, const char* word) noexcept {
    if (is_simulated_thread()) return;
    char full[16];
    const int room = static_cast<int>(sizeof full - 2) - static_cast<int>(std::char_traits<char>::length(word));
    std::snprintf(full, sizeof full, "%.*s-%s", room, name.c_str(), word);
    pthread_setname_np(pthread_self(), full);
}

bool run_hook(const std::function<void()>& hook, const char* name) noexcept {
    try {
        if (hook) hook();
        return true;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pollux: %s: threw: %s; catch inside the hook what you want to see\n", name, error.what());
    } catch (...) {
        std::fprintf(stderr, "pollux: %s: threw; catch inside the hook what you want to see\n", name);
    }
    return false;
}

bool start_gate::enter(const std::function<void()>& hook) noexcept {
    std::exception_ptr failure;
    try {
        if (hook) hook();
    } catch (...) {
        failure = std::current_exception();
    }
    const bool may_run = failure == nullptr;
    const std::lock_guard guard(lock_);
    failure_ = std::move(failure);
    has_entered_ = true;
    entered_.notify_one();  // under the lock: the gate may be gone right after it
    return may_run;
}

void start_gate::wait_for_one(bool is_simulated) {
    std::unique_lock guard(lock_);
    wait_until(entered_, guard, platform::time_point::max(), is_simulated, [this] { return has_entered_; });
    has_entered_ = false;
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace pollux::inline v0::detail

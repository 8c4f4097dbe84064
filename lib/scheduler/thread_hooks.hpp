// SPDX-License-Identifier: MIT
// Starting threads of a runtime, workers and blocking threads alike: their name, their signals, the user's hooks.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace pollux::inline v0::detail {

/// A thread with all signals blocked: the program's handlers run on the program's own threads. Throws: std::system_error.
std::thread start_thread(std::function<void()> body);

/// A small number of this thread's own, for choosing one of a few shards.
unsigned this_thread_number() noexcept;

/// "name-3", cut to the 15 characters that the system keeps; the number stays.
void name_this_thread(const std::string& name, unsigned number) noexcept;

/// Runs the hook; what it throws becomes one line on stderr.
void run_stop_hook(const std::function<void()>& hook) noexcept;

// The way of one new thread's start hook: what it throws comes out where the thread was started.
class start_gate {
public:
    /// On the new thread. False: the hook has thrown and the thread must end.
    bool enter(const std::function<void()>& hook) noexcept;
    /// On the thread that started it: waits for enter(). Throws: what the hook threw.
    void wait_for_one();

private:
    std::mutex lock_;
    std::condition_variable entered_;
    bool has_entered_ = false;
    std::exception_ptr failure_;
};

}  // namespace pollux::inline v0::detail

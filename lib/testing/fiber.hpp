// SPDX-License-Identifier: MIT
// A function with a stack of its own, on the thread that made it. Switched by hand; the sanitizers are told. What the thread keeps for
// whoever runs on it goes with the fiber: the exceptions in flight, and the library's own thread_local words.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>

#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

/// Memory for one fiber, with a page below it that nobody may touch.
class fiber_stack {
public:
    /// Throws: std::bad_alloc.
    fiber_stack();
    fiber_stack(const fiber_stack&) = delete;
    fiber_stack& operator=(const fiber_stack&) = delete;
    ~fiber_stack();

    /// What a function may use: a deep chain of coroutines stays below a hundredth of it. Only what is touched costs memory.
    static constexpr std::size_t bytes = std::size_t{1} << 20;
    void* bottom() const noexcept;

private:
    void* mapped_;
};

class fiber {
public:
    /// The thread that makes it, as it is.
    fiber() noexcept;
    /// Runs `body` at its first switch_to(). `body` never returns: it switches away for good.
    fiber(const fiber_stack& stack, std::function<void()> body);
    fiber(const fiber&) = delete;
    fiber& operator=(const fiber&) = delete;
    ~fiber();

    /// This one runs; now `next` does, until somebody switches back. `for_good`: nobody will.
    void switch_to(fiber& next, bool for_good = false) noexcept;

private:
    // What libstdc++ and libc++abi keep for a thread: the exceptions that are being handled, and the number of those in flight.
    struct exceptions {
        void* caught;
        unsigned uncaught;
    };

    static void enter() noexcept;
    void arrive() noexcept;

    ucontext_t context_;
    std::function<void()> body_;
    exceptions exceptions_{};
    execution* execution_ = nullptr;
    block_cache* blocks_ = nullptr;
    waited_for_thread waited_for_;

    // For the sanitizers.
    const void* bottom_ = nullptr;
    [[maybe_unused]] std::size_t size_ = 0;
    [[maybe_unused]] void* fake_stack_ = nullptr;
    [[maybe_unused]] void* thread_ = nullptr;
};

}  // namespace pollux::inline v0::detail

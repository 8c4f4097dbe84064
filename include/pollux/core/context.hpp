// SPDX-License-Identifier: MIT
// What a poll is given: whom to wake, how much it may still do, and the runtime it runs in. Made by whoever polls; lives for
// that poll.
#pragma once

#include <atomic>
#include <cstdint>

#include "pollux/core/export.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0 {

namespace detail {

class runtime_core;

// One scheduler poll's share: a leaf takes a unit for each result it gives, and a coroutine for each await, so that no loop of ready
// results starves others.
// Limited by count and by time: the clock is read once in `chunk` units. Used by one thread at a time.
struct poll_budget {
    // Units in one poll: 128 results of leaves that a coroutine awaits, as many as Tokio gives, which has served for years. A
    // larger number trades fairness for fewer yields.
    static constexpr std::int32_t units_per_poll = 256;
    // Units between two looks at the clock: a poll whose steps take a millisecond each ends within 32 of them, and within 16 where each
    // awaits a leaf, which is two units.
    static constexpr std::int32_t chunk = 32;
    // Units that each refusal leaves to whoever asks next. That is another future of the same task, as in `join`: the one that was refused
    // has given up its turn. Without them one that is never pending would starve it for ever. Two: a coroutine's await of a leaf.
    static constexpr std::int32_t units_for_others = 2;
    // All of those in one poll, on top of its own: for sixteen others. A guess.
    static constexpr std::int32_t most_for_others = 32;

    std::int32_t chunk_left = 0;                          // 0: next_chunk() says how to go on
    std::int32_t units_left = 0;                          // beyond this chunk; the last of them are for others
    std::uint64_t deadline = 0;                           // in ticks of ticks_now(); the poll should be over then
    runtime_core* runtime = nullptr;                      // of this poll; null under a bare block_on
    std::atomic<std::uint64_t>* forced_yields = nullptr;  // the worker's counter
    bool is_limited = false;

    /// As much as a poll may do.
    void refill() noexcept {
        chunk_left = chunk;
        units_left = units_per_poll - chunk + most_for_others;
    }
    /// False: none is left of the chunk; next_chunk() says how to go on. Of unsigned numbers, so that the compiler
    /// may ask for the sign of what it has stored: two instructions, where `--chunk_left >= 0` is five.
    bool take_unit() noexcept {
        chunk_left = static_cast<std::int32_t>(static_cast<std::uint32_t>(chunk_left) - 1);
        return chunk_left >= 0;
    }
    /// The same for two at once; of the last one of a chunk nothing is left then.
    bool take_two_units() noexcept {
        chunk_left = static_cast<std::int32_t>(static_cast<std::uint32_t>(chunk_left) - 2);
        return chunk_left >= 0;
    }
    /// At the end of a chunk: starts the next one, or says that the poll has had its share.
    POLLUX_API bool next_chunk() noexcept;
};

}  // namespace detail

/// The argument of every poll: refers to the waker of whoever polls, and carries the budget and the runtime of that poll.
///
/// Threads: used only by the thread that polls. It cannot be copied or kept.
class context {
public:
    /// A context with an unlimited budget and without a runtime. Refers to `waker`, which must outlive it.
    explicit context(const pollux::waker& waker) noexcept : waker_(&waker), budget_(nullptr) {}
    explicit context(const pollux::waker&&) = delete;
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Whom to wake when the polled future can go on. Keep a clone only when the answer is `pending`.
    const pollux::waker& waker() const noexcept { return *waker_; }

    /// For polling a child that has its own waker: the same budget and runtime.
    context with_waker(const pollux::waker& waker) const noexcept { return context(waker, budget_); }
    context with_waker(const pollux::waker&&) const = delete;

    /// A leaf asks before it gives a result. False: the budget of this poll is spent; the task has been woken already, the leaf
    /// keeps its result and returns `pending`. Whoever asks after that, another future of the same task, may still get a few units.
    /// Cost: one decrement.
    bool consume_budget() noexcept {
        if (budget_ == nullptr || budget_->take_unit()) [[likely]]
            return true;
        return consume_from_next_chunk();
    }

    /// For the library: the context of a scheduler's poll.
    context(const pollux::waker& waker, detail::poll_budget* budget) noexcept : waker_(&waker), budget_(budget) {}
    /// For the library: what this poll may still do; null if nothing limits it.
    detail::poll_budget* budget() const noexcept { return budget_; }
    /// For the library: the runtime of this poll, or null.
    detail::runtime_core* runtime() const noexcept { return budget_ != nullptr ? budget_->runtime : nullptr; }

private:
    POLLUX_API bool consume_from_next_chunk() noexcept;

    const pollux::waker* waker_;
    detail::poll_budget* budget_;
};

}  // namespace pollux::inline v0

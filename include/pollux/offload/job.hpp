// SPDX-License-Identifier: MIT
// What `offload` and `blocking` share: a job, which is one block with the closure, its result and the waker of whoever awaits it,
// and the future that makes one at its first poll. The pools that run jobs are in lib/offload.
//
// The future may be dropped at any time, so the block belongs to both sides: see job_state.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/core/sync_policy.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/offload/job_state.hpp"
#include "pollux/time/clock.hpp"

namespace pollux::inline v0::detail {

class job_pool;
enum class job_pool_kind : std::uint8_t { cpu, blocking };

struct POLLUX_API job_base {
    /// Calls the closure and then destroys it; leaves a result. Once, by the pool that has claimed the job.
    virtual void run() noexcept = 0;
    /// The same without the call: the result is `why`, or "cancelled" if that is null.
    virtual void give_up(std::exception_ptr why) noexcept = 0;
    /// Asks a closure that is running to stop, if it has asked for a token.
    virtual void request_stop() noexcept = 0;
    /// Destroys what is left and frees the block.
    virtual void free() noexcept = 0;
    /// By whoever may free it: that ends a result, which is a user's.
    virtual bool holds_result() const noexcept = 0;

    // What each job's way needs comes first, to share a cache line.

    // The pool's, under its lock; then the list of the finished ones.
    job_base* next = nullptr;
    job_base* previous = nullptr;

    job_state<std_sync> state;
    // The pool's, under its lock.
    bool is_waiting = false;  // for room in the pool
    // Written before the job is handed to a pool.
    std::uint8_t priority = 0;  // index of the pool's queue: 0 is served first

    // The future's while the job is not done, the pool's afterwards; job_state says who may touch them.
    bool wake_on_worker = false;  // its latest poll was by a worker of the pool's runtime
    bool takes_token = false;     // request_stop() does something; never written again
    waker to_wake;

    // Written before the job is handed to a pool.
    instant start_before = instant::max();
    job_pool* pool = nullptr;
    runtime_core* runtime = nullptr;  // the pool's; only compared, for it may be gone
    const char* name = nullptr;
    std::uint64_t pushed_at = 0;  // in ticks

protected:
    job_base() noexcept = default;
    job_base(const job_base&) = delete;
    job_base& operator=(const job_base&) = delete;
    ~job_base() = default;
};

/// The pool of the runtime of this poll, else of this thread's runtime, made at its first use. Throws: no_runtime,
/// task_cancelled if the runtime is ending, std::system_error, std::bad_alloc.
POLLUX_API job_pool& find_job_pool(job_pool_kind kind, context& cx);
/// Hands over a new job whose fields are filled in. Throws: what starting a thread throws; then the job is still the caller's.
POLLUX_API void submit_job(job_base& job, context& cx);
/// True: the result is the caller's. False: the waker of this poll will be woken.
POLLUX_API bool poll_job(job_base& job, context& cx) noexcept;
/// The future goes. The result is destroyed if it was the caller's.
POLLUX_API void leave_job(job_base& job) noexcept;

template <class Fn>
inline constexpr bool wants_stop_token = std::is_invocable_v<Fn&, std::stop_token>;

template <class Fn>
struct job_call : std::invoke_result<Fn&> {};
template <class Fn>
    requires wants_stop_token<Fn>
struct job_call<Fn> : std::invoke_result<Fn&, std::stop_token> {};

// The value and the error type of a job: a future that the closure returns is a value like others.
template <class R>
struct job_types {
    using value_type = R;
    using error_type = never;
};
template <class R>
    requires is_expected<R>
struct job_types<R> {
    using value_type = typename R::value_type;
    using error_type = typename R::error_type;
};

template <class Fn>
class job final : public job_base {
    using returned = std::remove_cvref_t<typename job_call<Fn>::type>;
    using types = job_types<returned>;

public:
    using result_type = result<typename types::value_type, typename types::error_type>;

    /// Throws: std::bad_alloc, and what moving the closure throws.
    static job& make(Fn&& fn) {
        void* const block = take();
        try {
            return *::new (block) job(std::move(fn));
        } catch (...) {
            give(block);
            throw;
        }
    }

    result_type& outcome() noexcept { return outcome_; }

    void run() noexcept override {
        try {
            if constexpr (std::is_void_v<returned>) {
                call();
                outcome_.set_value();
            } else if constexpr (is_expected<returned>) {
                returned answer = call();
                if (!answer.has_value())
                    outcome_.set_error(std::move(answer).error());
                else if constexpr (std::is_void_v<typename types::value_type>)
                    outcome_.set_value();
                else
                    outcome_.set_value(*std::move(answer));
            } else {
                outcome_.set_value(call());
            }
        } catch (...) {
            outcome_.set_exception(std::current_exception());
        }
        end_closure();
    }
    void give_up(std::exception_ptr why) noexcept override {
        end_closure();
        if (why != nullptr)
            outcome_.set_exception(std::move(why));
        else
            outcome_.set_cancelled();
    }
    void request_stop() noexcept override {
        if constexpr (wants_stop_token<Fn>) stop_.request_stop();
    }
    void free() noexcept override {
        if (has_closure_) end_closure();
        this->~job();
        give(this);
    }
    bool holds_result() const noexcept override { return outcome_.state() != result_state::empty; }

private:
    struct nothing {};
    using stop_source = std::conditional_t<wants_stop_token<Fn>, std::stop_source, nothing>;

    explicit job(Fn&& fn) : fn_(std::move(fn)) {
        if constexpr (wants_stop_token<Fn>) takes_token = true;
    }
    ~job() {}

    decltype(auto) call() {
        if constexpr (wants_stop_token<Fn>)
            return detail::call(fn_, stop_.get_token());
        else
            return detail::call(fn_);
    }
    void end_closure() noexcept {
        has_closure_ = false;
        fn_.~Fn();
    }

    static constexpr bool is_over_aligned() noexcept { return alignof(job) > alignof(std::max_align_t); }
    static void* take() {
        if constexpr (is_over_aligned())
            return ::operator new(sizeof(job), std::align_val_t(alignof(job)));
        else
            return take_block(sizeof(job));
    }
    static void give(void* block) noexcept {
        if constexpr (is_over_aligned())
            ::operator delete(block, std::align_val_t(alignof(job)));
        else
            give_block(block, sizeof(job));
    }

    union {
        Fn fn_;
    };
    bool has_closure_ = true;
    [[no_unique_address]] stop_source stop_;
    result_type outcome_;
};

// What a pool is told about a job of `offload`; `blocking` has the defaults.
struct job_settings {
    instant start_before = instant::max();
    const char* name = nullptr;
    std::uint8_t priority = 0;
};

template <class Fn, job_pool_kind Kind>
class [[nodiscard]] job_future {
    using types = job_types<std::remove_cvref_t<typename job_call<Fn>::type>>;

public:
    using value_type = typename types::value_type;
    using error_type = typename types::error_type;

    explicit job_future(Fn&& fn, job_settings settings = {}) : settings_(settings), fn_(std::move(fn)) {}
    job_future(job_future&& other) : settings_(other.settings_) {
        debug_check(other.stage_ == stage::lazy,
                    "pollux: offload or blocking: moved after its first poll; box it first, or keep it in its place");
        ::new (static_cast<void*>(std::addressof(fn_))) Fn(std::move(other.fn_));
    }
    job_future& operator=(job_future&&) = delete;
    ~job_future() {
        if (stage_ == stage::lazy)
            fn_.~Fn();
        else if (stage_ == stage::submitted)
            leave();
    }

    polled<value_type, error_type> poll(context& cx) {
        if (stage_ == stage::lazy) {
            submit(cx);
            return pending;
        }
        debug_check(stage_ == stage::submitted,
                    "pollux: offload or blocking: polled after it was ready; destroy a future once it is ready");
        if (!poll_job(*job_, cx)) return pending;
        if (!cx.consume_budget()) return pending;
        const taking guard{*this};
        return job_->outcome().take_polled();
    }

private:
    enum class stage : std::uint8_t { lazy, submitted, over };
    struct taking {
        job_future& self;
        ~taking() { self.leave(); }
    };

    void submit(context& cx) {
        job_pool& pool = find_job_pool(Kind, cx);
        job<Fn>& made = job<Fn>::make(std::move(fn_));
        fn_.~Fn();
        stage_ = stage::over;
        made.pool = &pool;
        made.start_before = settings_.start_before;
        made.name = settings_.name;
        made.priority = settings_.priority;
        try {
            submit_job(made, cx);
        } catch (...) {
            made.free();
            throw;
        }
        job_ = &made;
        stage_ = stage::submitted;
    }
    void leave() noexcept {
        stage_ = stage::over;
        if (job_->state.is_done()) job_->outcome().reset();
        leave_job(*job_);
    }

    job_settings settings_;
    stage stage_ = stage::lazy;
    // Not in the union: g++ 12 does not connect it with the stage, and warns of it in users' builds.
    job<Fn>* job_ = nullptr;
    union {
        Fn fn_;
    };
};

}  // namespace pollux::inline v0::detail

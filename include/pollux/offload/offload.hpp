// SPDX-License-Identifier: MIT
// `offload`: work that keeps a CPU busy, moved out of the tasks' way onto a pool with a bounded number of slots. The pool is in
// lib/offload/cpu_pool.hpp.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/offload/job.hpp"
#include "pollux/time/clock.hpp"

namespace pollux::inline v0 {

/// Which job starts next where several wait: the higher first, in the order of their coming within one. A lower one is not
/// starved: of 16 starts one prefers normal, of 64 one prefers low jobs.
enum class offload_priority { low, normal, high };

struct offload_options {
    offload_priority priority = offload_priority::normal;
    /// A job that has not started by then never does: its future throws offload_expired. It is found out when its turn comes.
    std::optional<instant> start_before = {};
    /// For messages: offload_expired names the job by it, with its first 80 bytes. Must live for ever.
    const char* name = nullptr;
};

/// Thrown by an offload future whose job had not started by its `start_before`.
class POLLUX_API offload_expired : public std::exception {
public:
    /// `name` may be null, and must live for ever.
    explicit offload_expired(const char* name) noexcept;
    ~offload_expired() override;
    /// Names the job, if it has a name.
    const char* what() const noexcept override;
    /// offload_options::name of the job, or null.
    const char* name() const noexcept { return name_; }

private:
    const char* name_;
    char text_[192];  // no string: it is made where nothing may be thrown
};

namespace detail {

/// Throws: std::invalid_argument.
[[noreturn]] POLLUX_API void refuse_priority(int value);

}  // namespace detail

/// A future of what `fn` returns, computed on the runtime's CPU pool, a oneTBB arena of `runtime_options::cpu_slots` slots. Lazy: the
/// job starts after the first poll; `spawn(offload(fn))` starts it at once.
///
/// `fn` may use TBB's parallel algorithms, which share the arena; on its own thread it may spawn and offload. It must not wait for
/// other jobs: they may need its slot. If it takes a std::stop_token, it is asked to stop when the future is dropped, and when
/// the runtime ends, by the thread that ends it: stop callbacks are called there. A running
/// job may outlive its future, so `fn` owns what it uses.
///
/// Errors: those of the `std::expected` that `fn` returns; a future that it returns is handed out as the value.
/// Throws: at once std::invalid_argument for a priority that is none; when polled, what `fn` throws; no_runtime outside a runtime;
/// offload_expired; task_cancelled if the runtime ended before the job started; std::bad_alloc.
/// Threads: `fn` runs on a thread of oneTBB and is destroyed there before the awaiter is woken. If it never runs, it is destroyed
/// by whoever drops the future, by the pool thread that finds it expired, or by the thread that ends the runtime.
/// Cancel: a job that has not started never will, and its closure is destroyed at once; one that runs is asked to stop, and its
/// result is destroyed where it ends, or by the drop if it ends meanwhile.
/// Cost: one allocation for closure, result and waker. Past `runtime_options::max_offloaded` jobs in flight it waits its turn,
/// first come first served.
template <class Fn>
auto offload(Fn fn, offload_options options = {}) {
    static_assert(std::is_invocable_v<Fn&> || std::is_invocable_v<Fn&, std::stop_token>,
                  "pollux: offload: the callable takes arguments; give one that takes none, or a std::stop_token");
    if constexpr (std::is_invocable_v<Fn&> || std::is_invocable_v<Fn&, std::stop_token>) {
        if (options.priority < offload_priority::low || options.priority > offload_priority::high) [[unlikely]]
            detail::refuse_priority(static_cast<int>(options.priority));
        const detail::job_settings settings{
            options.start_before.value_or(instant::max()), options.name,
            static_cast<std::uint8_t>(static_cast<int>(offload_priority::high) - static_cast<int>(options.priority))};
        return detail::job_future<Fn, detail::job_pool_kind::cpu>(std::move(fn), settings);
    }
}

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// async_mutex: a value that one task or thread at a time may use, also across its awaits. The line of those who wait, and the
// proofs, stand in sync/permit_queue.hpp.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/sync/locked_value.hpp"

namespace pollux::inline v0::sync {

/// A value and the lock around it. Who waits is served in the order of the first polls, and nobody is overtaken. It is not
/// poisoned: if an exception leaves the scope of a guard, the next one finds the value as it is. Where no await stands between
/// locking and unlocking, a std::mutex is cheaper.
///
/// It must outlive its futures and guards, but may be destroyed by the one that has held it last, as soon as it has let go.
/// Threads: any, at the same time. What was written under the lock is visible to the next.
/// Cost: 32 bytes beside the value, no allocation. Locking and unlocking are one read-modify-write each while nobody waits.
/// Source: Tokio's Mutex, which is a semaphore of one permit as this is.
template <class T>
class async_mutex : detail::locked_value<T> {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "pollux: async_mutex: the value is not an object that can change; use unit where there is none");

public:
    using guard = detail::value_guard<T, async_mutex*, 1>;
    using owned_guard = detail::value_guard<T, std::shared_ptr<async_mutex>, 1>;

    /// The value is made from the arguments. Throws: what its constructor throws.
    template <class... Args>
        requires std::is_constructible_v<T, Args...>
    explicit async_mutex(Args&&... args) : detail::locked_value<T>(1, std::forward<Args>(args)...) {}

    /// A future of a guard: `*g` and `g->` are the value until the guard is destroyed, on any thread.
    ///
    /// Cancel: dropping it gives up its place in the line; if it has been given the lock, the next gets it.
    /// Cost: no allocation, the waiter lives in the future. A short lock in each poll if it has to wait.
    detail::lock_future<guard> lock() noexcept { return detail::lock_future<guard>(this); }

    /// A guard if nobody holds the lock or waits for it.
    std::optional<guard> try_lock() noexcept { return detail::locked_value<T>::template try_lock<guard>(this); }

    /// As lock(); future and guard keep the mutex.
    static detail::lock_future<owned_guard> lock_owned(std::shared_ptr<async_mutex> mutex) noexcept {
        detail::debug_check(mutex != nullptr, "pollux: async_mutex::lock_owned: the pointer is null; give it a mutex");
        return detail::lock_future<owned_guard>(std::move(mutex));
    }

private:
    template <class, class, std::size_t>
    friend class detail::value_guard;
    template <class>
    friend class detail::locked_value;
};

template <class T>
async_mutex(T) -> async_mutex<T>;

/// async_mutex<T>::lock_owned, which see.
template <class T>
detail::lock_future<typename async_mutex<T>::owned_guard> lock_owned(std::shared_ptr<async_mutex<T>> mutex) noexcept {
    return async_mutex<T>::lock_owned(std::move(mutex));
}

}  // namespace pollux::inline v0::sync

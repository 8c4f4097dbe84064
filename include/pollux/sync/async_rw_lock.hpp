// SPDX-License-Identifier: MIT
// async_rw_lock: a value that many may read, or one may write, also across awaits. A reader takes one permit, a writer all of
// them; the line of those who wait, and the proofs, stand in sync/permit_queue.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/sync/locked_value.hpp"

namespace pollux::inline v0::sync {

/// A value and the lock around it. Who waits is served in the order of the first polls: readers that come after a writer wait
/// behind it, so no stream of readers holds up a writer, and who holds a read guard must not wait for another one. It is not
/// poisoned.
///
/// It must outlive its futures and guards. Threads: any, at the same time.
/// Cost: 32 bytes beside the value, no allocation. Locking and unlocking are one read-modify-write each while nobody waits.
/// Source: Tokio's RwLock, with as many readers: 2^29 - 1; one more waits.
template <class T>
class async_rw_lock : detail::locked_value<T> {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "pollux: async_rw_lock: the value is not an object that can change; use unit where there is none");
    static constexpr std::size_t most_readers() noexcept { return (std::size_t{1} << 29) - 1; }

public:
    using read_guard = detail::value_guard<const T, async_rw_lock*, 1>;
    using write_guard = detail::value_guard<T, async_rw_lock*, most_readers()>;

    /// The value is made from the arguments. Throws: what its constructor throws.
    template <class... Args>
        requires std::is_constructible_v<T, Args...>
    explicit async_rw_lock(Args&&... args) : detail::locked_value<T>(most_readers(), std::forward<Args>(args)...) {}

    /// A future of a guard: `*g` and `g->` are the value, const, until the guard is destroyed, on any thread.
    ///
    /// Cancel: dropping it gives up its place in the line; if it has been given the lock, the next gets it.
    /// Cost: no allocation, the waiter lives in the future. A short lock in each poll if it has to wait.
    detail::lock_future<read_guard> read() noexcept { return detail::lock_future<read_guard>(this); }

    /// The same for one that may change the value, and is alone with it.
    detail::lock_future<write_guard> write() noexcept { return detail::lock_future<write_guard>(this); }

    /// A guard if nobody writes, and nobody waits.
    std::optional<read_guard> try_read() noexcept {
        return detail::locked_value<T>::template try_lock<read_guard>(this);
    }
    /// A guard if nobody reads or writes, and nobody waits.
    std::optional<write_guard> try_write() noexcept {
        return detail::locked_value<T>::template try_lock<write_guard>(this);
    }

private:
    template <class, class, std::size_t>
    friend class detail::value_guard;
    template <class>
    friend class detail::locked_value;
};

template <class T>
async_rw_lock(T) -> async_rw_lock<T>;

}  // namespace pollux::inline v0::sync

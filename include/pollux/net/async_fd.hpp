// SPDX-License-Identifier: MIT
// async_fd: any descriptor that can be polled, with the system calls of whoever has it.
#pragma once

#include <expected>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/net/detail/operation.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net {

/// A descriptor that stays its owner's: `async_fd(borrowed(fd))`.
struct borrowed {
    explicit borrowed(int fd) noexcept : descriptor(fd) {}
    int descriptor;
};

namespace detail {

template <class Fn>
class [[nodiscard]] try_io_future {
    using returned = std::remove_cvref_t<std::invoke_result_t<Fn&>>;

public:
    using value_type = typename returned::value_type;
    using error_type = std::error_code;

    try_io_future(source& on, direction which, Fn fn) : on_(on), which_(which), fn_(std::move(fn)) {}

    polled<value_type, std::error_code> poll(context& cx) {
        for (;;) {
            auto ready = on_.poll_ready(cx, which_, waiter_.use());
            if (ready.is_pending()) return pending;
            if (ready.has_error()) return std::unexpected(ready.error());
            if (!cx.consume_budget()) return pending;
            returned answer = fn_();
            if (answer.has_value() || !is_to_be_tried_again(answer.error(), ready.value())) return answer;
        }
    }

private:
    bool is_to_be_tried_again(const std::error_code& error, readiness_seen seen) noexcept {
        if (error == std::errc::interrupted) return true;
        if (error != std::errc::operation_would_block && error != std::errc::resource_unavailable_try_again)
            return false;
        on_.would_block(which_, seen);
        return true;
    }

    source& on_;
    direction which_;
    [[no_unique_address]] Fn fn_;
    waiter_in_future waiter_;
};

template <class R>
inline constexpr bool is_system_result = false;
template <class T>
inline constexpr bool is_system_result<std::expected<T, std::error_code>> = true;

}  // namespace detail

/// A descriptor of any kind that epoll takes: a pipe, a timerfd, an inotify, a socket of another library. What is done with it is the
/// user's, in `try_io`; this says when.
///
/// The descriptor is to be non-blocking (O_NONBLOCK) if it is read or written: nothing is set here, for it may be shared with other
/// processes. A descriptor may be in one async_fd at a time. Files and directories cannot be waited for: they are always ready, until
/// something would block, which is std::errc::operation_not_permitted then.
///
/// Threads: any number of tasks may wait at once. It may be moved at any time at which nobody waits for it; it outlives its futures.
/// Destroying it closes the descriptor, unless it was borrowed; a borrowed one outlives it.
/// Cost: as a socket: no allocation of its own.
class [[nodiscard]] async_fd {
public:
    /// Closes `descriptor` in the end.
    explicit async_fd(int descriptor) noexcept : io_(descriptor) { check(); }
    explicit async_fd(borrowed other) noexcept : io_(other.descriptor, false) { check(); }

    /// A future that is ready when reading would not wait: there is something, the end, or an error.
    ///
    /// Errors: what epoll says of the descriptor; `std::errc::operation_canceled` once the runtime has ended. Throws: no_runtime outside
    /// a runtime. Cancel: dropping it loses nothing. Cost: one system call beside what waiting takes.
    detail::operation_future<detail::readiness> readable() noexcept {
        return {io_, detail::readiness{&io_, direction::read}};
    }
    /// The same of writing.
    detail::operation_future<detail::readiness> writable() noexcept {
        return {io_, detail::readiness{&io_, direction::write}};
    }

    /// A future of what `fn` returns, a `std::expected<T, std::error_code>`. `fn` is called when the descriptor may be ready in that
    /// direction; where it fails with `std::errc::operation_would_block` it is called again once something has come, after
    /// `std::errc::interrupted` at once. `fn` has to do what is in that direction, and till it would block if it waits for more.
    ///
    /// Errors, Throws: as for readable(), and those of `fn`.
    /// Threads: `fn` runs in the poll, and is destroyed with the future. Cancel: dropping it loses nothing that `fn` does not lose.
    template <class Fn>
    auto try_io(direction which, Fn fn) {
        static_assert(std::is_invocable_v<Fn&>,
                      "pollux: async_fd::try_io: the callable takes arguments; give one that takes none");
        if constexpr (std::is_invocable_v<Fn&>) {
            constexpr bool fits = detail::is_system_result<std::remove_cvref_t<std::invoke_result_t<Fn&>>>;
            static_assert(
                fits,
                "pollux: async_fd::try_io: the callable does not return std::expected<T, std::error_code>; that is "
                "how it says that it would block");
            if constexpr (fits) return detail::try_io_future<Fn>(io_, which, std::move(fn));
        }
    }

    int native_handle() const noexcept { return io_.descriptor(); }

private:
    void check() const noexcept {
        pollux::detail::debug_check(io_.is_open(),
                                    "pollux: async_fd: the descriptor is negative; look at what made it");
    }

    detail::source io_;
};

}  // namespace pollux::inline v0::net

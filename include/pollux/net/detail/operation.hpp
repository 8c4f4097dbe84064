// SPDX-License-Identifier: MIT
// One operation of a descriptor, as a future and as an attempt. The operations are small structs:
//   value_type     what it gives
//   which()        the direction that it waits for
//   operator()     the system call: it answers as those do, with less than 0 and errno
//   result(n)      what it gives, of an answer n
#pragma once

#include <cerrno>
#include <cstddef>
#include <expected>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/net/source.hpp"

namespace pollux::inline v0::net::detail {

/// The place in a line of a future that may be moved until its first poll. Moved, it is a new one.
class waiter_in_future {
public:
    waiter_in_future() noexcept = default;
    waiter_in_future(waiter_in_future&& other) noexcept {
        if (other.is_in_use_) [[unlikely]]
            pollux::detail::fail_check(pollux::detail::moved_in_flight);
    }
    waiter_in_future& operator=(waiter_in_future&&) = delete;
    ~waiter_in_future() = default;

    /// For a poll.
    source_waiter& use() noexcept {
        is_in_use_ = true;
        return place_;
    }

private:
    source_waiter place_;
    bool is_in_use_ = false;
};

/// Any number of them may wait for one source. It borrows the source.
template <class Op>
class [[nodiscard]] operation_future {
public:
    using value_type = typename Op::value_type;
    using error_type = std::error_code;

    operation_future(source& on, Op op) noexcept : on_(on), op_(std::move(op)) {}
    operation_future(operation_future&&) noexcept = default;
    operation_future& operator=(operation_future&&) = delete;
    ~operation_future() = default;

    polled<value_type, error_type> poll(context& cx) {
        auto done = on_.poll_io(cx, op_.which(), 0, [this](int descriptor) { return op_(descriptor); }, self_.use());
        if (done.is_pending()) return pending;
        if (done.has_error()) return std::unexpected(done.error());
        if constexpr (std::is_void_v<value_type>)
            return polled<value_type, error_type>::ready();
        else
            return op_.result(done.value());
    }

private:
    source& on_;
    Op op_;
    waiter_in_future self_;
};

/// The operation now, or std::errc::operation_would_block.
template <class Op>
std::expected<typename Op::value_type, std::error_code> attempt(const source& on, Op op) {
    for (;;) {
        const auto answer = op(on.descriptor());
        if (answer >= 0) return op.result(static_cast<std::size_t>(answer));
        if (errno != EINTR) return std::unexpected(std::error_code(errno, std::system_category()));
    }
}

/// Until an operation in that direction would not block, whatever the source believes. That is asked of the system, so that nothing has
/// to be told when an attempt would have blocked.
struct POLLUX_API readiness {
    using value_type = void;

    direction which() const noexcept { return of; }
    int operator()(int descriptor) const noexcept;

    const source* on;
    direction of;
};

}  // namespace pollux::inline v0::net::detail

// SPDX-License-Identifier: MIT
// Polling by hand, for tests: one poll, a waker that counts, and assertions that give the outcome or throw what they
// found. They need no test framework: `assertion_failed` is an exception like others.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::testing {

/// Thrown by the assertions here; `what()` says what was expected and what was found.
class POLLUX_API assertion_failed : public std::exception {
public:
    explicit assertion_failed(const std::string& message);
    assertion_failed(const assertion_failed&) noexcept;
    assertion_failed& operator=(const assertion_failed&) noexcept;
    ~assertion_failed() override;
    const char* what() const noexcept override;

private:
    std::shared_ptr<const std::string> message_;
};

/// Polls `x`, a future or a stream, once under `noop_waker()`. Throws: what the poll throws.
template <class X>
auto poll_once(X& x) {
    static_assert(future<X> || stream<X>, "pollux: poll_once: the argument is neither a future nor a stream");
    static_assert(!(future<X> && stream<X>),
                  "pollux: poll_once: the argument is both a future and a stream; call its poll");
    context cx(noop_waker());
    if constexpr (future<X>) {
        return x.poll(cx);
    } else if constexpr (stream<X>) {
        return x.poll_next(cx);
    }
}

/// A waker that counts its wake-ups. The waker may outlive it.
///
/// Threads: any, for all members.
class POLLUX_API counting_waker {
public:
    counting_waker();
    counting_waker(const counting_waker&) = delete;
    counting_waker& operator=(const counting_waker&) = delete;
    ~counting_waker();

    const pollux::waker& waker() const noexcept { return waker_; }
    /// Wake-ups so far, through `waker()` and its copies.
    std::size_t count() const noexcept;

private:
    struct counter;

    std::shared_ptr<counter> counter_;
    pollux::waker waker_;
};

}  // namespace pollux::inline v0::testing

namespace pollux::inline v0::detail {

/// Throws `assertion_failed`.
[[noreturn]] POLLUX_API void fail_assertion(const char* message);

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::testing {

/// Throws: `assertion_failed` if `answer` has a value or an error.
template <class T, class E>
void assert_pending(const polled<T, E>& answer) {
    if (answer.has_value()) detail::fail_assertion("pollux: assert_pending: the poll gave a value");
    if (answer.has_error()) detail::fail_assertion("pollux: assert_pending: the poll gave an error");
}

/// The outcome of `answer`, moved out of it. Throws: `assertion_failed` if it is pending.
template <class T, class E>
outcome<T, E> assert_ready(polled<T, E>&& answer) {
    if (answer.is_pending()) detail::fail_assertion("pollux: assert_ready: the poll was pending");
    return answer.take();
}
template <class T, class E>
outcome<T, E> assert_ready(polled<T, E>& answer) {
    return testing::assert_ready(std::move(answer));
}

}  // namespace pollux::inline v0::testing

// SPDX-License-Identifier: MIT
// Connections of this process with itself, and polls by hand inside a runtime.
#pragma once

#include <optional>
#include <system_error>
#include <utility>

#include "pollux/coro/task.hpp"
#include "pollux/coro/try.hpp"
#include "pollux/future/poll_fn.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/net/tcp_listener.hpp"
#include "pollux/net/tcp_stream.hpp"
#include "pollux/runtime/current_thread_runtime.hpp"
#include "support/wake_counter.hpp"

namespace pollux::test {

inline net::socket_address address_of(const char* text) { return net::socket_address::parse(text).value(); }

/// Two ends of one connection of TCP.
inline task<std::pair<net::tcp_stream, net::tcp_stream>, std::error_code> connected(const char* at = "127.0.0.1:0") {
    net::tcp_listener listener = co_await try_(net::tcp_listener::bind(at));
    net::tcp_stream one = co_await try_(net::tcp_stream::connect(listener.local_address().value()));
    net::tcp_stream other = co_await try_(listener.accept());
    co_return std::pair(std::move(one), std::move(other));
}

/// Polls once inside `rt`, with the waker of `counter`.
template <class F>
auto poll_in(current_thread_runtime& rt, F& fut, const wake_counter& counter) {
    std::optional<decltype(fut.poll(std::declval<context&>()))> answer;
    rt.block_on(poll_fn([&](context& cx) {
        const auto woken = counter.waker();
        context child = cx.with_waker(woken);
        answer.emplace(fut.poll(child));
        return polled<>::ready();
    }));
    return *std::move(answer);
}

/// Drives `rt` until it holds.
template <class Condition>
void drive_until(current_thread_runtime& rt, Condition condition) {
    while (!condition()) rt.poll_once();
}

}  // namespace pollux::test

// SPDX-License-Identifier: MIT
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "driver/ring_socket.hpp"
#include "net/system.hpp"
#include "pollux/net/detail/listener.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::net::detail {

namespace {

// Errors of a connection that ended before it was taken; TCP hands on what the network has said of it, too.
bool is_of_the_connection(int error) noexcept {
    switch (error) {
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case ENOPROTOOPT:
        case EHOSTDOWN:
        case ENONET:
        case EHOSTUNREACH:
        case EOPNOTSUPP:
        case ENETUNREACH:
        case ETIMEDOUT: return true;
        default: return false;
    }
}

// They go when somebody gives something back.
bool is_of_a_shortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

polled<source, std::error_code> accepting::poll(context& cx) {
    for (;;) {
        if (rest_.is_alive()) {
            try {
                if ((*rest_).poll(cx).is_pending()) return pending;
            } catch (const task_cancelled&) {
                return std::unexpected(std::make_error_code(std::errc::operation_canceled));
            }
            rest_.reset();
        }
        auto accepted = from_.poll_io(
            cx, direction::read, 0,
            [this](int descriptor) {
                if (auto* const ring = from_.ring()) return ring->accept();
                return ::accept4(descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            },
            waiter_.use());
        if (accepted.is_pending()) return pending;
        if (accepted.has_value()) {
            next_rest_ = first_rest;
            return source(static_cast<int>(accepted.value()));
        }
        const std::error_code error = accepted.error();
        const bool is_system = error.category() == std::system_category();
        if (is_system && is_of_the_connection(error.value())) continue;
        if (!is_system || !is_of_a_shortage(error.value())) return std::unexpected(error);
        rest_.emplace([this] { return sleep_for(next_rest_); });
        next_rest_ = std::min(2 * next_rest_, longest_rest);
    }
}

}  // namespace pollux::inline v0::net::detail

// SPDX-License-Identifier: MIT
#include "pollux/net/tcp_stream.hpp"

#include <sys/socket.h>

#include <memory>
#include <system_error>
#include <utility>

#include "net/connect_race.hpp"
#include "net/system.hpp"
#include "net/tcp.hpp"
#include "pollux/net/errc.hpp"

namespace pollux::inline v0::net::detail {

std::expected<source, std::error_code> begin_connect(context& cx, const socket_address& to) {
    if (!to.is_v4() && !to.is_v6()) return std::unexpected(errc::bad_address);
    auto socket = open_socket(to.family(), SOCK_STREAM);
    if (!socket) return socket;
    if (const auto begun = begin_connect(cx, *socket, to); !begun) return std::unexpected(begun.error());
    return socket;
}

connecting::connecting(address to) noexcept : to_(std::move(to)) {}
connecting::connecting(address to, source socket) noexcept : to_(std::move(to)), socket_(std::move(socket)) {}
connecting::connecting(connecting&&) noexcept = default;
connecting::~connecting() = default;

polled<source, std::error_code> connecting::poll(context& cx) {
    if (!is_begun_) {
        auto to = to_.poll(cx);
        if (to.is_pending()) return pending;
        if (to.has_error()) return std::unexpected(to.error());
        is_begun_ = true;
        if (socket_.is_open()) {
            const auto family = family_of(socket_.descriptor());
            if (!family) return std::unexpected(family.error());
            const auto begun = begin_connect(cx, socket_, first_that_fits(*family, to.value()));
            if (!begun) return std::unexpected(begun.error());
        } else if (to.value().size() > 1) {
            race_ = std::make_unique<connect_race>(to.value());
        } else {
            auto begun = begin_connect(cx, to.value().front());
            if (!begun) return std::unexpected(begun.error());
            socket_ = std::move(*begun);
        }
    }
    if (race_ != nullptr) return race_->poll(cx);
    auto answer = poll_connected(socket_, cx);
    if (answer.is_pending()) return pending;
    if (answer.has_error()) return std::unexpected(answer.error());
    return std::move(socket_);
}

}  // namespace pollux::inline v0::net::detail

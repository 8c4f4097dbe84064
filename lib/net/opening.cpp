// SPDX-License-Identifier: MIT
#include "net/system.hpp"
#include "pollux/net/detail/socket_future.hpp"

namespace pollux::inline v0::net::detail {

polled<source, std::error_code> opening::poll(context& cx) {
    auto at = at_.poll(cx);
    if (at.is_pending() || !cx.consume_budget()) return pending;
    if (at.has_error()) return std::unexpected(at.error());
    std::error_code error;
    for (const socket_address& one : at.value()) {
        auto made = open_(one);
        if (made) return std::move(*made);
        error = made.error();
    }
    return std::unexpected(error);
}

}  // namespace pollux::inline v0::net::detail

// SPDX-License-Identifier: MIT
// The two parts of the text of an address, before anybody knows whether the first is a number or a name.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pollux::inline v0::net::detail {

struct host_and_port {
    std::string_view host;  // without brackets
    std::uint16_t port = 0;
    bool is_bracketed = false;  // so it is of IPv6
};

/// Nothing if the text has not that form. The host points into it.
std::optional<host_and_port> split_host_and_port(std::string_view text) noexcept;

}  // namespace pollux::inline v0::net::detail

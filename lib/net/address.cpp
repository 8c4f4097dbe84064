// SPDX-License-Identifier: MIT
#include "pollux/net/address.hpp"

#include <string>
#include <string_view>

#include "net/host_and_port.hpp"
#include "pollux/net/errc.hpp"

namespace pollux::inline v0::net {

address::address(from_text, std::string_view text) {
    if (const auto known = socket_address::parse(text)) {
        is_ = *known;
        return;
    }
    const auto parts = detail::split_host_and_port(text);
    if (parts && !parts->is_bracketed)
        is_ = detail::host_name{std::string(parts->host), parts->port};
    else
        is_ = make_error_code(errc::bad_address);
}

unix_address::unix_address(from_path, std::string_view path) noexcept : is_(std::error_code()) {
    const auto known = socket_address::unix_path(path);
    is_ = known ? address(*known) : address(known.error());
}

}  // namespace pollux::inline v0::net

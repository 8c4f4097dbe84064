// SPDX-License-Identifier: MIT
// The errors of addresses: of their text, and of looking up a name. What a socket fails with is an errno.
#pragma once

#include <system_error>
#include <type_traits>

#include "pollux/core/export.hpp"

namespace pollux::inline v0::net {

/// Converts to `std::error_code` and compares with one. Each is `std::errc::invalid_argument` too.
enum class errc {
    bad_address = 1,  // no text of the form "127.0.0.1:80", "[::1]:80" or, where names are looked up, "host:80"
    bad_path,         // empty, or longer than a socket's path can be
};

/// The category of `errc`; its name is "pollux.net".
POLLUX_API const std::error_category& error_category() noexcept;

/// What looking up a name fails with: the values are getaddrinfo's (EAI_NONAME, ...), the messages gai_strerror's. Its name is
/// "pollux.resolve". EAI_AGAIN is `std::errc::resource_unavailable_try_again` too, EAI_MEMORY `std::errc::not_enough_memory`.
POLLUX_API const std::error_category& resolve_category() noexcept;

inline std::error_code make_error_code(errc error) noexcept { return {static_cast<int>(error), error_category()}; }

}  // namespace pollux::inline v0::net

template <>
struct std::is_error_code_enum<pollux::net::errc> : std::true_type {};

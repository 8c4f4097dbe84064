// SPDX-License-Identifier: MIT
// What a parameter named `addr` takes: text or a socket_address. Both convert to `address`; what is a path, to `unix_address`.
//
// Text is read where it is given, without a system call; what is wrong with it comes out of the future that it was given to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

#include "pollux/core/export.hpp"
#include "pollux/net/socket_address.hpp"

namespace pollux::inline v0::net {

namespace detail {

struct host_name {
    std::string host;
    std::uint16_t port;
};

}  // namespace detail

/// An address, or the name of one that is still to be looked up: "127.0.0.1:8080", "[::1]:0", "host:port", or a socket_address.
///
/// Throws: std::bad_alloc, if it is a name.
class POLLUX_API address {
public:
    address(const socket_address& known) noexcept : is_(known) {}
    template <class Text>
        requires std::is_convertible_v<const Text&, std::string_view>
    address(const Text& text) : address(from_text(), text) {}

    /// For the library: a socket_address, a name, or what is wrong with the text.
    using content = std::variant<socket_address, detail::host_name, std::error_code>;
    const content& get() const noexcept { return is_; }
    explicit address(std::error_code wrong) noexcept : is_(wrong) {}

private:
    struct from_text {};
    address(from_text, std::string_view text);

    content is_;
};

/// The address of a unix socket: its path (a string or a std::filesystem::path), or a socket_address.
class POLLUX_API unix_address {
public:
    unix_address(const socket_address& known) noexcept : is_(known) {}
    template <class Path>
        requires std::is_convertible_v<const Path&, std::string_view>
    unix_address(const Path& path) noexcept : unix_address(from_path(), path) {}
    template <class Path>
        requires(!std::is_convertible_v<const Path&, std::string_view> &&
                 std::is_convertible_v<const Path&, std::string>)
    unix_address(const Path& path) : unix_address(from_path(), std::string(path)) {}

    /// For the library.
    address get() && noexcept { return std::move(is_); }

private:
    struct from_path {};
    unix_address(from_path, std::string_view path) noexcept;

    address is_;
};

}  // namespace pollux::inline v0::net

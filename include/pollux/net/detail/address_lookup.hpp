// SPDX-License-Identifier: MIT
// The step from an `address` to the socket_addresses that it stands for, in the futures that take one. Only a name allocates.
#pragma once

#include <memory>
#include <span>
#include <system_error>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/net/address.hpp"
#include "pollux/net/socket_address.hpp"

namespace pollux::inline v0::net::detail {

struct name_lookup;

/// Threads: one at a time, as the future that it is in. It may be moved until its first poll.
class POLLUX_API address_lookup {
public:
    using addresses = std::span<const socket_address>;

    explicit address_lookup(address of) noexcept;
    address_lookup(address_lookup&& other) noexcept;
    address_lookup& operator=(address_lookup&&) = delete;
    ~address_lookup();

    /// One or more, which stand in here. May be polled again once it is ready.
    /// Errors: of the text; of resolve_category(); operation_canceled if the runtime ended. Throws: no_runtime outside a runtime.
    polled<addresses, std::error_code> poll(context& cx);

private:
    address of_;
    std::unique_ptr<name_lookup> by_name_;
};

}  // namespace pollux::inline v0::net::detail

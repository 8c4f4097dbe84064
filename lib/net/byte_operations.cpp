// SPDX-License-Identifier: MIT
#include "pollux/net/detail/byte_operations.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>

#include "driver/ring_socket.hpp"
#include "net/transfer.hpp"

namespace pollux::inline v0::net::detail {

std::ptrdiff_t sending::operator()(int descriptor) const noexcept { return transmit(descriptor, bytes); }

std::ptrdiff_t receiving::operator()(int descriptor) const noexcept { return receive(descriptor, to, 0); }

std::ptrdiff_t peeking::operator()(int descriptor) const noexcept {
    if (to.empty()) return 0;
    if (auto* const ring = on->ring()) {
        const iovec part{to.data(), to.size()};
        return ring->receive(&part, 1, true);
    }
    return receive(descriptor, to, MSG_PEEK);
}

std::ptrdiff_t receiving_from::operator()(int descriptor) noexcept {
    sockaddr_storage sender;
    socklen_t size = sizeof sender;
    const auto n = ::recvfrom(descriptor, to.data(), to.size(), 0, reinterpret_cast<sockaddr*>(&sender), &size);
    if (size == 0) {  // a unix socket without a name
        sender.ss_family = AF_UNIX;
        size = sizeof sender.ss_family;
    }
    if (n >= 0) from = socket_address(&sender, size);
    return n;
}

}  // namespace pollux::inline v0::net::detail

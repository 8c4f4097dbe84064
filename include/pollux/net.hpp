// SPDX-License-Identifier: MIT
// Sockets: of TCP, of UDP, of this machine; other descriptors that can be waited for; addresses.
#pragma once

#include "pollux/net/address.hpp"
#include "pollux/net/async_fd.hpp"
#include "pollux/net/errc.hpp"
#include "pollux/net/halves.hpp"
#include "pollux/net/resolve.hpp"
#include "pollux/net/socket_address.hpp"
#include "pollux/net/tcp_listener.hpp"
#include "pollux/net/tcp_socket.hpp"
#include "pollux/net/tcp_stream.hpp"
#include "pollux/net/udp_socket.hpp"
#include "pollux/net/unix_datagram.hpp"
#include "pollux/net/unix_listener.hpp"
#include "pollux/net/unix_stream.hpp"

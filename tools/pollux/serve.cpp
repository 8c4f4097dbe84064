// SPDX-License-Identifier: MIT
// The server of `pollux serve`: who is let in, and how it ends. What a client is told stands in client_session.
//
//   main thread    waits for a signal, then for the clients
//   accept_all     a task: takes connections, each with a place for it, and spawns
//     -> serve_client   a task a client: talk_to_client
//     -> refuse_client  where there is no place
//
// A place is a permit of `places`, which goes when the client's task ends; so all permits together are the end of all clients.

#include "serve.hpp"

#include "pollux/coro.hpp"
#include "pollux/future.hpp"
#include "pollux/net.hpp"
#include "pollux/runtime.hpp"
#include "pollux/signal.hpp"
#include "pollux/stream.hpp"
#include "pollux/sync.hpp"
#include "pollux/time.hpp"

#include "client_session.hpp"
#include "client_stream.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <expected>
#include <string>
#include <system_error>
#include <utility>

namespace pollux_tool {

namespace {

constexpr int status_failed = 1;

constexpr std::size_t default_connections = 20'000;
// Of the process, signals and runtime, and for those who are refused.
constexpr std::size_t kept_descriptors = 64;
// Clients that are being told that there is no place. Those beyond wait in the backlog of the system.
constexpr std::size_t refusals_at_once = 32;

using place = pollux::sync::semaphore::permit;

// What the tasks refer to. The runtime is the last member, so its tasks are gone before the rest.
struct server {
    server(const serve_options& given, std::size_t connections)
        : options(given), clients(connections), places(connections), runtime({.workers = given.workers}) {}

    client_limits limits() const { return {options.max_line, options.idle, ending}; }

    const serve_options options;
    const std::size_t clients;
    pollux::sync::semaphore places;
    pollux::sync::semaphore refusals{refusals_at_once};
    pollux::cancellation_token ending;
    pollux::runtime runtime;
};

// ------------------------------------------------------------------------------------------------------------------
// Clients

pollux::task<> serve_client(server& on, [[maybe_unused]] place its_place, pollux::net::tcp_stream socket) {
    client_stream client(std::move(socket), on.limits());
    co_await talk_to_client(on.runtime, client, on.options.max_body);
}

pollux::task<> refuse_client(server& on, [[maybe_unused]] place its_place, pollux::net::tcp_stream socket) {
    client_stream client(std::move(socket), on.limits());
    co_await client.close_with("too many connections");
}

// Ends with an error of the listener, or once the server is ending. Nobody is accepted after that: the listener goes with it.
pollux::task<void, std::error_code> accept_all(server& on, pollux::net::tcp_listener listener) {
    for (;;) {
        auto accepting = listener.accept();
        auto accepted = co_await on.ending.run_until_cancelled(std::move(accepting));
        if (!accepted) break;
        auto socket = co_await pollux::try_(*std::move(accepted));
        if (auto free = on.places.try_acquire()) {
            pollux::spawn(serve_client(on, *std::move(free), std::move(socket))).detach();
            continue;
        }
        auto waiting = on.refusals.acquire();
        auto refusal = co_await on.ending.run_until_cancelled(std::move(waiting));
        if (!refusal || !*refusal) break;
        pollux::spawn(refuse_client(on, **std::move(refusal), std::move(socket))).detach();
    }
    co_return {};
}

// ------------------------------------------------------------------------------------------------------------------
// Begin and end

std::expected<pollux::net::tcp_listener, std::error_code> listen_at(std::uint16_t port) {
    auto socket = pollux::net::tcp_socket::v4();
    if (!socket) return std::unexpected(socket.error());
    // Each reply is one write, and the next waits for the client: nothing is gained by collecting. Inherited by the clients.
    if (const auto set = socket->set_nodelay(true); !set) return std::unexpected(set.error());
    if (const auto set = socket->set_reuse_address(true); !set) return std::unexpected(set.error());
    const auto bound = socket->bind(fmt::format("127.0.0.1:{}", port));
    if (!bound) return std::unexpected(bound.error());
    return (*std::move(socket)).listen(4096);  // as many as the system allows by default: thousands may come at once
}

int failed(const char* what, const std::string& why) {
    fmt::print(stderr, "pollux: serve: {}: {}\n", what, why);
    return status_failed;
}

// `signals` is a stream of those that end the server; a second one makes it end without waiting.
template <class Signals>
pollux::task<int> serve_until(server& on, Signals& signals) {
    auto listener = listen_at(on.options.port);
    if (!listener) co_return failed(fmt::format("127.0.0.1:{}", on.options.port).c_str(), listener.error().message());
    const auto address = listener->local_address();
    if (!address) co_return failed("the address", address.error().message());
    fmt::print("listening on {}\n", address->to_string());
    if (std::fflush(stdout) != 0) co_return failed("stdout", std::error_code(errno, std::system_category()).message());

    auto accepting = pollux::spawn(accept_all(on, *std::move(listener)));
    auto first = co_await pollux::select(pollux::by_ref(accepting), pollux::next(signals));
    if (const auto* ended = std::get_if<0>(&first); ended != nullptr && !*ended)
        co_return failed("accepting", ended->error().message());
    on.ending.cancel();
    if (first.index() == 1) (void)co_await std::move(accepting);

    auto all_gone = pollux::join(on.places.acquire(on.clients), on.refusals.acquire(refusals_at_once));
    auto in_time = pollux::timeout(std::move(all_gone), on.options.grace);
    (void)co_await pollux::select(std::move(in_time), pollux::next(signals));
    co_return 0;
}

// As many as there are descriptors for. Nothing: the options ask for more, or there are hardly any.
std::expected<std::size_t, std::string> connection_limit(const serve_options& options) {
    struct rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) != 0)
        return std::unexpected(std::error_code(errno, std::system_category()).message());
    const auto all = static_cast<std::size_t>(descriptors.rlim_cur);
    const auto most = all - std::min(all, kept_descriptors);
    const auto wanted = options.connections.value_or(std::min(default_connections, most));
    if (wanted == 0 || wanted > most) {
        return std::unexpected(
            fmt::format("{} connections and {} other descriptors are more than the {} that this process may have; "
                        "raise that with `ulimit -n`",
                        wanted == 0 ? 1 : wanted, kept_descriptors, all));
    }
    return wanted;
}

// The system's table of descriptors grows as they come. Each time whoever accepts waits until no other thread reads the older
// one, and that has been seen to take a fifth of a second; while there is one thread it waits for nobody. Where it cannot be
// made large it grows as ever.
void make_room_for(std::size_t descriptors) {
    const int last = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, static_cast<int>(descriptors - 1));
    if (last >= 0) ::close(last);
}

}  // namespace

int serve(const serve_options& options) {
    const auto connections = connection_limit(options);
    if (!connections) return failed("descriptors", connections.error());
    make_room_for(*connections + kept_descriptors);
    auto signals = pollux::merge(pollux::signal::on(SIGTERM), pollux::signal::on(SIGINT));
    server on(options, *connections);
    const int status = on.runtime.block_on(serve_until(on, signals));
    return status;
}

}  // namespace pollux_tool

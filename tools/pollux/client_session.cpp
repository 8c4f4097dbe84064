// SPDX-License-Identifier: MIT
// The four requests. See the header.

#include "client_session.hpp"

#include "pollux/future.hpp"
#include "pollux/offload.hpp"
#include "pollux/time.hpp"

#include "file_digest.hpp"
#include "metrics_json.hpp"
#include "prime.hpp"
#include "request_line.hpp"
#include "sha256_line.hpp"

#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace pollux_tool {

namespace {

// The jobs own hasher and piece: they may outlive a client that was cut off.
using owned_hasher = std::unique_ptr<sha256_hasher>;

// The next piece is read while the one before it is hashed.
pollux::task<std::string, farewell> reply_to_sum(client_stream& client, std::uint64_t bytes) {
    auto hasher = std::make_unique<sha256_hasher>();
    auto piece = co_await pollux::try_(client.read_piece(bytes));
    auto left = bytes - piece.size;
    while (left > 0) {
        auto hash = [hasher = std::move(hasher), piece = std::move(piece)]() mutable {
            hasher->update(piece.view());
            return std::move(hasher);
        };
        auto hashing = pollux::offload(std::move(hash));
        auto reading = client.read_piece(left);
        auto both = pollux::join(std::move(hashing), std::move(reading));
        auto [hashed, next] = co_await std::move(both);
        piece = co_await pollux::try_(std::move(next));
        left -= piece.size;
        hasher = std::move(hashed);
    }
    auto finish = [hasher = std::move(hasher), piece = std::move(piece)] {
        hasher->update(piece.view());
        return hasher->finish();
    };
    auto finishing = pollux::offload(std::move(finish));
    const auto digest = co_await std::move(finishing);
    std::string reply;
    append_sha256(reply, digest);
    co_return reply;
}

pollux::task<std::string, farewell> reply_to_prime(std::uint64_t number) {
    auto test = [number] { return is_prime(number); };
    auto testing = pollux::offload(test);
    const bool answer = co_await std::move(testing);
    co_return answer ? "prime" : "composite";
}

// A client that was reset frees its place at once, not after a minute.
pollux::task<std::string, farewell> reply_to_sleep(client_stream& client, std::chrono::milliseconds time) {
    auto gone = client.gone();
    auto first = co_await pollux::select(pollux::sleep_for(time), std::move(gone));
    if (first.index() == 1) co_return std::unexpected(farewell());
    co_return "ok";
}

pollux::task<std::string, farewell> reply_to_stats(const pollux::runtime& runtime) {
    co_return metrics_json(runtime.metrics());
}

class replying {
public:
    replying(const pollux::runtime& runtime, client_stream& client) : runtime_(runtime), client_(client) {}

    using reply = pollux::task<std::string, farewell>;
    reply operator()(sum_request wanted) const { return reply_to_sum(client_, wanted.bytes); }
    reply operator()(prime_request wanted) const { return reply_to_prime(wanted.number); }
    reply operator()(sleep_request wanted) const { return reply_to_sleep(client_, wanted.time); }
    reply operator()(stats_request) const { return reply_to_stats(runtime_); }

private:
    const pollux::runtime& runtime_;
    client_stream& client_;
};

pollux::task<void, farewell> answer_requests(const pollux::runtime& runtime, client_stream& client,
                                             std::uint64_t max_body) {
    const replying reply_to(runtime, client);
    for (;;) {
        const auto line = co_await pollux::try_(client.read_line());
        const auto wanted = parse_request(line, max_body);
        if (!wanted) co_return std::unexpected(farewell{wanted.error()});
        auto working = std::visit(reply_to, *wanted);
        auto reply = co_await pollux::try_(std::move(working));
        reply += '\n';
        co_await pollux::try_(client.write(reply));
    }
}

}  // namespace

pollux::task<> talk_to_client(const pollux::runtime& runtime, client_stream& client, std::uint64_t max_body) {
    auto ended = co_await answer_requests(runtime, client, max_body);
    if (ended || ended.error().what.empty()) co_return;
    co_await client.close_with(std::move(ended.error().what));
}

}  // namespace pollux_tool

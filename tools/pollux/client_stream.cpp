// SPDX-License-Identifier: MIT
// Reading and writing within limits. See the header.

#include "client_stream.hpp"

#include "pollux/future.hpp"
#include "pollux/io.hpp"
#include "pollux/time.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <expected>
#include <utility>

namespace pollux_tool {

namespace {

using namespace std::chrono_literals;

// What is read of a client after it was told what is wrong, in bytes and in time: whoever goes on sending beyond that is cut off.
constexpr std::size_t drained_bytes = 64 * 1024;
constexpr auto drained_time = 1s;

// Reads of lines after the server's end has begun. A client that never stops sending would be answered until it is cut off.
constexpr unsigned max_late_reads = 16;

template <class Answer>
farewell why_no_bytes(const Answer& failed, std::chrono::milliseconds idle, bool is_in_request) {
    if (!failed.error().is_elapsed() || !is_in_request) return {};
    return {fmt::format("nothing came for {:g} s", std::chrono::duration<double>(idle).count())};
}

}  // namespace

std::optional<std::string> client_stream::take_line() {
    const auto end = ahead_.find('\n');
    if (end == ahead_.npos) return std::nullopt;
    std::string line = ahead_.substr(0, end > 0 && ahead_[end - 1] == '\r' ? end - 1 : end);
    ahead_.erase(0, end + 1);
    if (ahead_.empty()) std::string().swap(ahead_);  // its memory, too
    return line;
}

pollux::task<std::string, farewell> client_stream::read_line() {
    for (;;) {
        auto line = take_line();
        // Without its end, the last byte may be the CR of that.
        const auto length = line ? line->size() : ahead_.size() - (ahead_.ends_with('\r') ? 1 : 0);
        if (length > limits_.max_line)
            co_return std::unexpected(farewell{fmt::format("a line is longer than {} bytes", limits_.max_line)});
        if (line) co_return *std::move(line);
        // What looks like a request may be the first half of another.
        if (is_at_end_) co_return std::unexpected(farewell{ahead_.empty() ? "" : "the last line has no end"});
        if (limits_.ending.is_cancelled()) {
            if (++late_reads_ > max_late_reads) co_return std::unexpected(farewell{"the server is ending"});
            if (!read_what_is_there()) co_return std::unexpected(farewell());
            continue;
        }
        auto reading = pollux::timeout(socket_.read_some(read_room), limits_.idle);
        auto read = co_await limits_.ending.run_until_cancelled(std::move(reading));
        if (!read) continue;
        if (!*read) co_return std::unexpected(why_no_bytes(*read, limits_.idle, !ahead_.empty()));
        is_at_end_ = (*read)->empty();
        if (ahead_.empty())
            ahead_ = **std::move(read);
        else
            ahead_ += **read;
    }
}

bool client_stream::read_what_is_there() {
    char bytes[read_room];
    const auto read = socket_.try_read(bytes);
    if (!read) return false;
    is_at_end_ = *read == 0;
    ahead_.append(bytes, *read);
    return true;
}

pollux::task<body_piece, farewell> client_stream::read_piece(std::uint64_t left) {
    body_piece piece;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, max_piece));
    while (piece.size < wanted) {
        if (is_at_end_ && ahead_.empty()) co_return std::unexpected(farewell{"the body ends too early"});
        if (!piece.bytes) {
            // Many clients may announce a body and send nothing.
            if (ahead_.empty()) {
                auto ready = co_await pollux::timeout(socket_.readable(), limits_.idle);
                if (!ready) co_return std::unexpected(why_no_bytes(ready, limits_.idle, true));
            }
            piece.bytes = std::make_unique_for_overwrite<std::byte[]>(wanted);
            piece.size = std::min(wanted, ahead_.size());
            std::memcpy(piece.bytes.get(), ahead_.data(), piece.size);
            ahead_.erase(0, piece.size);
            if (ahead_.empty()) std::string().swap(ahead_);
            continue;
        }
        const pollux::io::span room(reinterpret_cast<char*>(piece.bytes.get()) + piece.size, wanted - piece.size);
        auto read = co_await pollux::timeout(socket_.read(room), limits_.idle);
        if (!read) co_return std::unexpected(why_no_bytes(read, limits_.idle, true));
        is_at_end_ = *read == 0;
        piece.size += *read;
    }
    co_return std::move(piece);
}

pollux::task<> client_stream::gone() {
    while (!is_at_end_ && ahead_.size() < limits_.max_line) {
        auto read = co_await socket_.read_some(read_room);
        if (!read) co_return;
        is_at_end_ = read->empty();
        ahead_ += *read;
    }
    // A client that has sent its last request still wants the answers.
    co_await pollux::never_ready<void, pollux::never>();
}

pollux::task<void, farewell> client_stream::write(std::string_view text) {
    while (!text.empty()) {
        auto written = co_await pollux::timeout(socket_.write(text), limits_.idle);
        if (!written) co_return std::unexpected(farewell());
        text.remove_prefix(*written);
    }
    co_return {};
}

pollux::task<> client_stream::close_with(std::string what) {
    const auto line = fmt::format("error: {}\n", what);
    const auto written = co_await write(line);
    if (!written || !socket_.shutdown_write()) co_return;
    auto draining = drain();
    (void)co_await pollux::timeout(std::move(draining), drained_time);
}

pollux::task<> client_stream::drain() {
    for (std::size_t drained = 0; drained < drained_bytes;) {
        auto read = co_await socket_.read_some(read_room);
        if (!read || read->empty()) co_return;
        drained += read->size();
    }
}

}  // namespace pollux_tool

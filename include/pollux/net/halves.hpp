// SPDX-License-Identifier: MIT
// The halves of a connected stream, and `reunite`. Reading and writing have nothing in common that would need a lock: the halves share
// the socket, and the later one closes it.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/detail/byte_stream_members.hpp"
#include "pollux/io/span.hpp"
#include "pollux/net/socket_address.hpp"

namespace pollux::inline v0::net {

namespace detail {

inline constexpr const char* half_moved_from =
    "pollux: net: a half was used after it was moved from or reunited; use the one it went to";

struct reuniting;

// What is the same in both halves.
template <class Stream>
class half {
public:
    std::expected<socket_address, std::error_code> local_address() const noexcept { return whole().local_address(); }
    std::expected<socket_address, std::error_code> peer_address() const noexcept { return whole().peer_address(); }

protected:
    explicit half(std::shared_ptr<Stream> whole) noexcept : whole_(std::move(whole)) {}
    half(half&&) noexcept = default;
    half& operator=(half&&) noexcept = default;
    ~half() = default;

    Stream& whole() const noexcept {
        pollux::detail::debug_check(whole_ != nullptr, half_moved_from);
        return *whole_;
    }

    std::shared_ptr<Stream> whole_;

private:
    friend reuniting;
};

}  // namespace detail

/// The half of a stream that is read. Dropping it leaves the other as it is.
///
/// Threads: any, one at a time, at the same time as the other half. It may be moved at any time.
template <class Stream>
class [[nodiscard]] read_half : public detail::half<Stream>, public io::detail::reader_members<read_half<Stream>> {
public:
    polled<std::size_t, std::error_code> poll_read(context& cx, io::span to) { return this->whole().poll_read(cx, to); }
    /// As the stream's.
    std::expected<std::size_t, std::error_code> try_read(io::span to) noexcept { return this->whole().try_read(to); }
    auto peek(io::span to) noexcept { return this->whole().peek(to); }
    auto readable() noexcept { return this->whole().readable(); }

    /// For the library.
    explicit read_half(std::shared_ptr<Stream> whole) noexcept : detail::half<Stream>(std::move(whole)) {}
};

/// The half of a stream that is written. Dropping it lets the peer find the end.
///
/// Threads: any, one at a time, at the same time as the other half. It may be moved at any time.
template <class Stream>
class [[nodiscard]] write_half : public detail::half<Stream>, public io::detail::writer_members<write_half<Stream>> {
public:
    write_half(write_half&&) noexcept = default;
    write_half& operator=(write_half other) noexcept {
        std::swap(this->whole_, other.whole_);
        return *this;
    }
    ~write_half() {
        if (this->whole_ != nullptr) static_cast<void>(this->whole_->shutdown_write());
    }

    polled<std::size_t, std::error_code> poll_write(context& cx, io::const_span bytes) {
        return this->whole().poll_write(cx, bytes);
    }
    polled<void, std::error_code> poll_flush(context& cx) { return this->whole().poll_flush(cx); }
    polled<void, std::error_code> poll_shutdown(context& cx) { return this->whole().poll_shutdown(cx); }
    /// As the stream's.
    std::expected<std::size_t, std::error_code> try_write(io::const_span bytes) noexcept {
        return this->whole().try_write(bytes);
    }
    auto writable() noexcept { return this->whole().writable(); }
    std::expected<void, std::error_code> shutdown_write() noexcept { return this->whole().shutdown_write(); }

    /// For the library.
    explicit write_half(std::shared_ptr<Stream> whole) noexcept : detail::half<Stream>(std::move(whole)) {}
};

namespace detail {

struct reuniting {
    template <class Stream>
    static Stream reunite(half<Stream>& reader, half<Stream>& writer) {
        if (reader.whole_ == nullptr || reader.whole_ != writer.whole_) {
            throw std::invalid_argument(
                "pollux: net::reunite: the halves are not of one stream; give the two of one split");
        }
        const auto whole = std::move(reader.whole_);
        writer.whole_.reset();
        return std::move(*whole);
    }
};

}  // namespace detail

/// The stream whose halves these are. Nothing is lost.
///
/// Throws: std::invalid_argument if they are not of one stream; they stay as they are then.
template <class Stream>
Stream reunite(read_half<Stream>&& reader, write_half<Stream>&& writer) {
    return detail::reuniting::reunite<Stream>(reader, writer);
}

}  // namespace pollux::inline v0::net

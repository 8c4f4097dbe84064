// SPDX-License-Identifier: MIT
// The loop behind `copy` and either direction of `copy_bidirectional`.
//
// Read, write all of it, read again; at the end flush, and shut down if that was asked for. While there is nothing to read,
// what was written is flushed: a peer that waits for it before it sends more would wait for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/io/span.hpp"

namespace pollux::inline v0::io::detail {

enum class copy_end : unsigned char { flush, shutdown };

class copying {
    // Bytes: a guess, as other libraries have it; a copy of large files gains little from more.
    static constexpr std::size_t room = 8192;

public:
    template <class S, class K>
    polled<std::uint64_t, std::error_code> poll(context& cx, S& from, K& to, copy_end at_end) {
        while (!has_read_all_ || begin_ != end_) {
            if (begin_ != end_) {
                const const_span left(bytes_.get() + begin_, end_ - begin_);
                auto written = to.poll_write(cx, left);
                if (written.is_pending()) return pending;
                if (written.has_error()) return std::unexpected(written.error());
                if (written.value() == 0) return std::unexpected(errc::write_zero);
                check_count(written.value(), left.size());
                begin_ += written.value();
                copied_ += written.value();
                is_flushed_ = false;
            } else {
                if (bytes_ == nullptr) bytes_ = std::make_unique_for_overwrite<char[]>(room);
                auto read = from.poll_read(cx, span(bytes_.get(), room));
                if (read.has_error()) return std::unexpected(read.error());
                if (read.is_pending()) {
                    if (is_flushed_) return pending;
                    auto flushed = to.poll_flush(cx);
                    if (flushed.has_error()) return std::unexpected(flushed.error());
                    is_flushed_ = flushed.has_value();
                    return pending;
                }
                check_count(read.value(), room);
                begin_ = 0;
                end_ = read.value();
                has_read_all_ = end_ == 0;
            }
            if (!cx.consume_budget()) return pending;
        }
        auto finished = at_end == copy_end::flush ? to.poll_flush(cx) : to.poll_shutdown(cx);
        if (finished.is_pending()) return pending;
        if (finished.has_error()) return std::unexpected(finished.error());
        return copied_;
    }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t begin_ = 0;  // of what was read and not written
    std::size_t end_ = 0;
    std::uint64_t copied_ = 0;
    bool has_read_all_ = false;
    bool is_flushed_ = true;
};

}  // namespace pollux::inline v0::io::detail

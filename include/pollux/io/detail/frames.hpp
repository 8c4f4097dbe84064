// SPDX-License-Identifier: MIT
// The two loops behind `framed` and `lines`: bytes that are read until they make an item, and items that are written out.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_buffer.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/codec.hpp"
#include "pollux/io/errc.hpp"

namespace pollux::inline v0::io::detail {

// Bytes of room for each read: the buffer is twice that, 8 KiB, as other libraries have it.
inline constexpr std::size_t read_room = 4096;

class frame_input {
public:
    using answer = polled<std::optional<std::string>, std::error_code>;

    template <class S, class C>
    answer poll_next(context& cx, S& source, C& how) {
        while (!has_ended_) {
            if (may_have_item_) {
                decoded item = is_at_end_ ? how.decode_end(in_) : how.decode(in_);
                if (!item.has_value()) {
                    has_ended_ = !C::goes_on_after_error;
                    return std::unexpected(item.error());
                }
                if (item->has_value()) return answer::ready(std::move(*item));
                may_have_item_ = false;
                if (is_at_end_) break;
                // What was read made no item, so the loop goes round.
                if (!cx.consume_budget()) return pending;
            }
            const span room = in_.prepare(read_room);
            auto read = source.poll_read(cx, room);
            if (read.is_pending()) return pending;
            if (read.has_error()) {
                // A reader that fails once fails for ever, and whoever goes on after errors would not come to an end.
                has_ended_ = true;
                return std::unexpected(read.error());
            }
            check_count(read.value(), room.size());
            in_.commit(read.value());
            is_at_end_ = read.value() == 0;
            may_have_item_ = true;
        }
        has_ended_ = true;
        return answer::ready();
    }

private:
    byte_buffer in_;
    bool may_have_item_ = false;  // it has not been looked at since the last read
    bool is_at_end_ = false;      // of the bytes
    bool has_ended_ = false;
};

class frame_output {
    // Bytes that may stand here before the next item has to wait: as much as one write of most systems takes with ease.
    static constexpr std::size_t high_water = 8192;

public:
    template <class K>
    done_answer poll_ready(context& cx, K& target) {
        return write_out(cx, target, high_water - 1);
    }
    template <class C>
    std::expected<void, std::error_code> start_send(std::string item, C& how) {
        return how.encode(std::move(item), out_);
    }
    template <class K>
    done_answer poll_flush(context& cx, K& target) {
        done_answer written = write_out(cx, target, 0);
        return written.has_value() ? target.poll_flush(cx) : written;
    }
    template <class K>
    done_answer poll_close(context& cx, K& target) {
        done_answer written = write_out(cx, target, 0);
        return written.has_value() ? target.poll_shutdown(cx) : written;
    }

private:
    // Until at most `rest` bytes are left.
    template <class K>
    done_answer write_out(context& cx, K& target, std::size_t rest) {
        while (out_.size() > rest) {
            const const_span bytes(out_.data(), out_.size());
            auto written = target.poll_write(cx, bytes);
            if (written.is_pending()) return pending;
            if (written.has_error()) return std::unexpected(written.error());
            if (written.value() == 0) return std::unexpected(errc::write_zero);
            check_count(written.value(), bytes.size());
            out_.consume(written.value());
            if (out_.size() > rest && !cx.consume_budget()) return pending;
        }
        return done_answer::ready();
    }

    byte_buffer out_;
};

}  // namespace pollux::inline v0::io::detail

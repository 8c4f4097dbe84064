// SPDX-License-Identifier: MIT
// Writing to a byte stream as a future: `write`, `write_all`, `flush`, `shutdown`.
#pragma once

#include <cstddef>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/errc.hpp"
#include "pollux/io/span.hpp"
#include "pollux/sink/detail/hand_to.hpp"

namespace pollux::inline v0::io {

namespace detail {

// In all of these `S` is the byte stream, or a reference to it.
template <class S>
class [[nodiscard]] write_future {
public:
    using value_type = std::size_t;
    using error_type = std::error_code;

    write_future(S&& target, const_span bytes) : target_(std::forward<S>(target)), bytes_(bytes) {}

    count_answer poll(context& cx) { return target_.poll_write(cx, bytes_); }

private:
    S target_;
    const_span bytes_;
};

template <class S>
class [[nodiscard]] write_all_future {
public:
    using value_type = void;
    using error_type = std::error_code;

    write_all_future(S&& target, const_span bytes) : target_(std::forward<S>(target)), left_(bytes) {}

    done_answer poll(context& cx) {
        while (!left_.empty()) {
            auto written = target_.poll_write(cx, left_);
            if (written.is_pending()) return pending;
            if (written.has_error()) return std::unexpected(written.error());
            const std::size_t n = written.value();
            if (n == left_.size()) [[likely]]
                break;
            if (n == 0) return std::unexpected(errc::write_zero);
            left_ = left_.subspan(n);
            if (!cx.consume_budget()) return pending;
        }
        return done_answer::ready();
    }

private:
    S target_;
    const_span left_;
};

template <class S>
class [[nodiscard]] flush_future {
public:
    using value_type = void;
    using error_type = std::error_code;

    explicit flush_future(S&& target) : target_(std::forward<S>(target)) {}

    done_answer poll(context& cx) { return target_.poll_flush(cx); }

private:
    S target_;
};

template <class S>
class [[nodiscard]] shutdown_future {
public:
    using value_type = void;
    using error_type = std::error_code;

    explicit shutdown_future(S&& target) : target_(std::forward<S>(target)) {}

    done_answer poll(context& cx) { return target_.poll_shutdown(cx); }

private:
    S target_;
};

}  // namespace detail

/// Writes some of the bytes, from the front: the number that `s` took. An lvalue `s` is used where it is and must outlive the
/// future, as must the bytes; a temporary is owned.
///
/// Errors: those of `s`. Cancel: dropping it while it is pending has written nothing. Cost: nothing beside the poll of `s`.
template <detail::nearly_byte_stream S>
auto write(S&& s, const_span bytes) {
    static_assert(byte_writer<S>,
                  "pollux: io::write: the first argument is no byte stream that can be written; it needs "
                  "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)");
    static_assert(detail::can_be_polled<S>, "pollux: io::write: the byte stream is const; writing changes it");
    if constexpr (byte_writer<S> && detail::can_be_polled<S>) return detail::write_future<S>(std::forward<S>(s), bytes);
}

/// Writes all bytes; does not flush. Ready at once if there are none. `s` as for `write`.
///
/// Errors: those of `s`; `errc::write_zero` if it takes none of them. Cancel: some of the bytes, from the front, may have
/// been written, and how many is not known. After an error too.
/// Cost: one unit of the poll's budget for each further write.
template <detail::nearly_byte_stream S>
auto write_all(S&& s, const_span bytes) {
    static_assert(byte_writer<S>,
                  "pollux: io::write_all: the first argument is no byte stream that can be written; it needs "
                  "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)");
    static_assert(detail::can_be_polled<S>, "pollux: io::write_all: the byte stream is const; writing changes it");
    if constexpr (byte_writer<S> && detail::can_be_polled<S>)
        return detail::write_all_future<S>(std::forward<S>(s), bytes);
}

/// Ready when everything that `s` has taken is where it belongs. `s` as for `write`.
///
/// Errors: those of `s`. Cancel: what was not flushed yet stays in `s`. Cost: nothing beside the poll of `s`.
template <detail::nearly_byte_stream S>
    requires pollux::detail::nearly_sink<S>  // so that it goes before pollux::flush where both are visible
auto flush(S&& s) {
    static_assert(byte_writer<S>,
                  "pollux: io::flush: the argument is no byte stream that can be written; it needs "
                  "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)");
    static_assert(detail::can_be_polled<S>, "pollux: io::flush: the byte stream is const; flushing changes it");
    if constexpr (byte_writer<S> && detail::can_be_polled<S>) return detail::flush_future<S>(std::forward<S>(s));
}

/// Flushes `s`, then lets the other side find the end. Reading goes on. Nothing may be written after that. `s` as for `write`.
///
/// Errors: those of `s`. Cancel: it may be shut down half way; ask again, or drop `s`. Cost: nothing beside the poll of `s`.
template <detail::nearly_byte_stream S>
auto shutdown(S&& s) {
    static_assert(byte_writer<S>,
                  "pollux: io::shutdown: the argument is no byte stream that can be written; it needs "
                  "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)");
    static_assert(detail::can_be_polled<S>, "pollux: io::shutdown: the byte stream is const; shutting down changes it");
    if constexpr (byte_writer<S> && detail::can_be_polled<S>) return detail::shutdown_future<S>(std::forward<S>(s));
}

}  // namespace pollux::inline v0::io

// SPDX-License-Identifier: MIT
// `split`: a byte stream as two halves that two tasks use.
//
// A type that has halves of its own, which need no lock between them, says so with a member `into_halves() &&` that returns a
// std::pair. Any other stands on the heap with the lock of pollux::split, which answers pending instead of blocking.
#pragma once

#include <cstddef>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/byte_stream.hpp"
#include "pollux/io/detail/byte_stream_members.hpp"
#include "pollux/io/span.hpp"
#include "pollux/sink/split.hpp"

namespace pollux::inline v0::io {

namespace detail {

template <class S>
class [[nodiscard]] read_half : public reader_members<read_half<S>> {
public:
    explicit read_half(std::shared_ptr<pollux::detail::split_whole<S>> whole) noexcept : whole_(std::move(whole)) {}

    count_answer poll_read(context& cx, span to) {
        pollux::detail::debug_check(whole_ != nullptr, pollux::detail::half_moved_from);
        return whole_->with_lock(cx, [&](S& s) -> count_answer { return s.poll_read(cx, to); });
    }

private:
    std::shared_ptr<pollux::detail::split_whole<S>> whole_;
};

template <class S>
class [[nodiscard]] write_half : public writer_members<write_half<S>> {
public:
    explicit write_half(std::shared_ptr<pollux::detail::split_whole<S>> whole) noexcept : whole_(std::move(whole)) {}

    count_answer poll_write(context& cx, const_span bytes) {
        pollux::detail::debug_check(whole_ != nullptr, pollux::detail::half_moved_from);
        return whole_->with_lock(cx, [&](S& s) -> count_answer { return s.poll_write(cx, bytes); });
    }
    done_answer poll_flush(context& cx) {
        pollux::detail::debug_check(whole_ != nullptr, pollux::detail::half_moved_from);
        return whole_->with_lock(cx, [&](S& s) -> done_answer { return s.poll_flush(cx); });
    }
    done_answer poll_shutdown(context& cx) {
        pollux::detail::debug_check(whole_ != nullptr, pollux::detail::half_moved_from);
        return whole_->with_lock(cx, [&](S& s) -> done_answer { return s.poll_shutdown(cx); });
    }

private:
    std::shared_ptr<pollux::detail::split_whole<S>> whole_;
};

template <class S>
concept has_own_halves = requires(S&& s) { std::move(s).into_halves(); };

template <class S>
struct splitting {
    static auto split(S&& s) {
        if constexpr (has_own_halves<S>) {
            return std::move(s).into_halves();
        } else {
            auto whole = std::make_shared<pollux::detail::split_whole<S>>(std::move(s));
            return std::pair<read_half<S>, write_half<S>>(read_half<S>(whole), write_half<S>(whole));
        }
    }
};

}  // namespace detail

/// The byte stream `s` as a `std::pair` of a half that is read and one that is written, each of which may be moved at any
/// time and used in a task or thread of its own. `s` is polled by one half at a time: the other answers pending and is woken.
/// It is destroyed with the later half. A type of the library that has halves of its own says what the end of one means: that
/// of a `duplex` closes its direction.
///
/// Errors: those of `s`. Threads: the halves from any two, at the same time.
/// Cost: one allocation; two read-modify-writes a poll. Halves of its own: as the type says.
template <detail::nearly_byte_stream S>
auto split(S&& s) {
    static_assert(byte_stream<S>,
                  "pollux: io::split: the argument is no byte stream; it needs poll_read(context&, io::span), "
                  "poll_write(context&, io::const_span), poll_flush(context&) and poll_shutdown(context&)");
    static_assert(!std::is_lvalue_reference_v<S>,
                  "pollux: io::split: the byte stream is an lvalue, and its halves would own it; pass std::move(s)");
    if constexpr (byte_stream<S> && !std::is_lvalue_reference_v<S>) return detail::splitting<S>::split(std::move(s));
}

}  // namespace pollux::inline v0::io

// SPDX-License-Identifier: MIT
// `boxed_stream`: one type for all streams of one item and error. The public function `boxed` stands in
// pollux/future/boxed.hpp, for futures and streams.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/future/boxed.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/stream/detail/item.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T, class E>
struct stream_box {
    stream_box() = default;
    stream_box(const stream_box&) = delete;
    stream_box& operator=(const stream_box&) = delete;
    virtual ~stream_box() = default;
    virtual polled<std::optional<T>, E> poll_next(context& cx) = 0;
};

template <class S, class T, class E>
struct stream_box_of final : stream_box<T, E> {
    template <class X>
    explicit stream_box_of(X&& x) : source(detail::own(std::forward<X>(x))) {}
    polled<std::optional<T>, E> poll_next(context& cx) override {
        auto item = source.poll_next(cx);
        return pass_answer<polled<std::optional<T>, E>>(item);
    }

    S source;
};

}  // namespace detail

/// A stream of `T` and `E`, whatever its type was. Made implicitly from every stream of that item and that error, or
/// `never` in place of either. It may be moved at any time; moved from, it can only be destroyed and assigned to.
///
/// Threads: those of the stream inside. Cancel: destroying it destroys the stream inside.
/// Cost: one allocation when it is made; one indirect call a poll.
template <class T, class E = never>
class [[nodiscard]] boxed_stream {
    static_assert(std::is_object_v<T>, "pollux: boxed_stream: the item is not an object; use unit instead of void");

public:
    using value_type = T;
    using error_type = E;

    template <class X>
        requires(!std::is_same_v<std::remove_cvref_t<X>, boxed_stream> && stream<X> && detail::fits_box<X, T, E>)
    boxed_stream(X&& x) : box_(std::make_unique<detail::stream_box_of<detail::owned<X>, T, E>>(std::forward<X>(x))) {
        static_assert(!future<X>,
                      "pollux: boxed_stream: the argument is both a future and a stream; wrap the one that is meant");
    }

    polled<std::optional<T>, E> poll_next(context& cx) {
        detail::debug_check(box_ != nullptr,
                            "pollux: boxed_stream: polled after it was moved from; poll the one it went to");
        return box_->poll_next(cx);
    }

private:
    std::unique_ptr<detail::stream_box<T, E>> box_;
};

}  // namespace pollux::inline v0

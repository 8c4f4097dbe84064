// SPDX-License-Identifier: MIT
// What fork_join and fork_all do with each child.
#pragma once

#include <coroutine>
#include <cstdint>
#include <type_traits>

#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/fork_point.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0::detail {

template <class T, class E>
or_unit<outcome<T, E>> take_stored(result<T, E>& from) {
    if constexpr (std::is_void_v<outcome<T, E>>) {
        from.take();
        return unit();
    } else {
        return from.take();
    }
}

// Null: a child that was destroyed where there was no memory.
inline void drop_unstarted(fork_point& point) noexcept {
    while (point.unstarted != 0)
        if (void* const frame = point.children()[--point.unstarted]; frame != nullptr)
            std::coroutine_handle<>::from_address(frame).destroy();
}

// In fork_point::unstarted: the children are the fallback's.
inline constexpr std::uint32_t below_poll_mark = ~std::uint32_t{0};

// Before a fork: whoever waits for the child, and where its result goes.
[[gnu::always_inline]] inline void prepare_forked(void* frame, fork_point& point, void* slot, bool is_last) noexcept {
    promise_base& child = promise_at(frame);
    child.up = up_to(&point, is_last ? frame_kind::forked_last : frame_kind::forked);
    child.slot = slot;
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// How the value of a future becomes an item of a stream.
#pragma once

#include <type_traits>
#include <utility>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

/// The value of `from` as an item of `To`, the answer of a stream. Only if `from` has a value.
template <class To, class T, class E>
constexpr To pass_item(polled<T, E>& from) {
    if constexpr (std::is_same_v<T, never>) {
        std::unreachable();
    } else {
        return To::ready(std::in_place, std::move(from.value()));
    }
}

}  // namespace pollux::inline v0::detail

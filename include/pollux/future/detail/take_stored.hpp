// SPDX-License-Identifier: MIT
// The outcome of a ready answer as an object; for combinators that keep outcomes in tuples and variants.
#pragma once

#include <type_traits>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

/// Moves the outcome out; `unit` for nothing.
template <class T, class E>
constexpr or_unit<outcome<T, E>> take_stored(polled<T, E>& answer) {
    if constexpr (std::is_void_v<outcome<T, E>>) {
        return answer.value();
    } else {
        return answer.take();
    }
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// How a combinator takes its subject: by value. Called first by every public function that wraps a future or a stream.
#pragma once

#include <type_traits>
#include <utility>

namespace pollux::inline v0::detail {

template <class X>
using owned = std::remove_cvref_t<X>;

/// A temporary is moved, an lvalue copied.
template <class X>
constexpr owned<X> own(X&& x) {
    static_assert(
        std::is_constructible_v<owned<X>, X>,
        "pollux: a combinator takes its subject by value, and this lvalue cannot be copied; pass std::move(x), "
        "or by_ref(x) to lend it");
    if constexpr (std::is_constructible_v<owned<X>, X>) return owned<X>(std::forward<X>(x));
}

}  // namespace pollux::inline v0::detail

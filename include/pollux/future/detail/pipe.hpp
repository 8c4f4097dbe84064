// SPDX-License-Identifier: MIT
// The second form of a combinator: `x | name(args...)` is `name(x, args...)`. A pipe is a value: it can be kept and
// used again.
//
// `Op` is a stateless type whose call operator is the first form. A pipe says nothing about its subject: the first
// form does, so that both forms give the same messages.
#pragma once

#include <utility>

namespace pollux::inline v0::detail {

template <class Op, class Arg>
struct pipe {
    Arg arg;
};

template <class Op>
struct bare_pipe {};

template <class X, class Op, class Arg>
constexpr auto operator|(X&& x, pipe<Op, Arg> right) {
    return Op{}(std::forward<X>(x), std::move(right.arg));
}

template <class X, class Op>
constexpr auto operator|(X&& x, bare_pipe<Op>) {
    return Op{}(std::forward<X>(x));
}

}  // namespace pollux::inline v0::detail

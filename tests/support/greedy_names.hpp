// SPDX-License-Identifier: MIT
// A program's namespace in which the names of the library's own functions are templates that take anything. An unqualified call with an
// argument of these types finds both, and is ambiguous.
#pragma once

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"

namespace greedy {

struct message {
    int number;
    bool operator==(const message&) const = default;
};
/// A future that is ready.
struct [[nodiscard]] work {
    using value_type = message;
    using error_type = pollux::never;
    explicit work(int n) : number(n) {}
    pollux::polled<message> poll(pollux::context&) { return message{number}; }
    int number;
};

// Declared only: nobody is to call them.
template <class F>
void into_task(F&&);
template <class X, class F>
void future_as_task(F);
template <class A, class P>
void make_awaiter(A&&, P&);
template <class K, class T>
void hand_to(K&, T&&);
template <class T>
T next(T it);

}  // namespace greedy

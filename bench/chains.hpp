// SPDX-License-Identifier: MIT
// What bench_chains and bench_stream_chains share: a leaf, the loop that polls, and the choice of a chain.
//
// Both sides of a chain get their leaves' answers through an opaque value, so that neither is computed while compiling, and poll through a
// call that is not inlined, as a task does.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>

#include "pollux/core.hpp"
#include "support/allocation_counter.hpp"

namespace bench {

using pollux::context;
using pollux::polled;

// What the compiler may not look through.
template <class T>
[[gnu::always_inline]] inline T opaque(T value) {
    asm volatile("" : "+r"(value));
    return value;
}

// A leaf that is ready in its n-th poll.
class [[nodiscard]] leaf {
public:
    using value_type = int;
    using error_type = pollux::never;

    leaf(int pendings, int value) : left_(opaque(pendings)), value_(opaque(value)) {}

    polled<int> poll(context&) {
        if (left_-- != 0) return pollux::pending;
        return value_;
    }

private:
    int left_;
    int value_;
};

// One call, with the future in memory: so a task polls what it holds.
template <class F>
[[gnu::noinline]] auto poll_in_memory(F& fut, context& cx) {
    return fut.poll(cx);
}

// Polls to the end without a runtime; the leaves need no waker.
template <class F>
auto polled_out(F&& fut, context& cx) {
    for (;;)
        if (auto answer = poll_in_memory(fut, cx); answer.is_ready()) return answer.take();
}

struct chain {
    const char* name;
    int (*library)(int rounds, context&);
    int (*hand)(int rounds, context&);
};

// `One` once for each round.
template <int (*One)(int, context&)>
int in_rounds(int rounds, context& cx) {
    unsigned sum = 0;
    for (int i = 0; i != rounds; ++i) sum += static_cast<unsigned>(One(i, cx));
    return static_cast<int>(sum);
}

// NAME library|hand [ROUNDS]
inline int run_chain(int argc, char** argv, std::span<const chain> chains) {
    const char* const name = argc > 1 ? argv[1] : "";
    const bool by_hand = argc > 2 && std::strcmp(argv[2], "hand") == 0;
    const int rounds = argc > 3 ? std::atoi(argv[3]) : 1000;
    context cx(pollux::noop_waker());
    for (const chain& one : chains) {
        if (std::strcmp(name, one.name) != 0) continue;
        const pollux::test::allocation_counter allocations;
        const int sum = (by_hand ? one.hand : one.library)(rounds, cx);
        std::printf("allocations %zu\nsum %d\n", allocations.count(), sum);
        return 0;
    }
    std::fprintf(stderr, "usage: %s", argv[0]);
    for (const chain& one : chains) std::fprintf(stderr, " %s", one.name);
    std::fprintf(stderr, " library|hand [ROUNDS]\n");
    return 2;
}

}  // namespace bench

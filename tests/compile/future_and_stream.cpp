// SPDX-License-Identifier: MIT
// A type that is both a future and a stream does not say which one is meant.
// expect: pollux: map: the first argument is both a future and a stream; wrap the one that is meant
#include <optional>

#include "pollux/stream.hpp"

struct both {
    using value_type = int;
    using error_type = pollux::never;
    pollux::polled<int> poll(pollux::context&) { return 1; }
#if defined(MUST_NOT_COMPILE)
    pollux::polled<std::optional<int>> poll_next(pollux::context&) { return 1; }
#endif
};

void program() {
    auto mapped = pollux::map(both{}, [](int n) { return n; });
    static_cast<void>(mapped);
}

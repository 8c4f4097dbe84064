// SPDX-License-Identifier: MIT
// The conversion to a box refuses what `boxed` refuses.
// expect: pollux: boxed_future: the argument is both a future and a stream; wrap the one that is meant
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
    const pollux::boxed_future<int> box = both{};
    static_cast<void>(box);
}

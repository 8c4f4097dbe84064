// SPDX-License-Identifier: MIT
// A future that is dropped does nothing, so dropping one at once is a mistake.
// expect: nodiscard
#include "pollux/future.hpp"

void program() {
    static_cast<void>(pollux::join(pollux::ready(1)));
#if defined(MUST_NOT_COMPILE)
    pollux::join(pollux::ready(1));
#endif
}

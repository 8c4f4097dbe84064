// SPDX-License-Identifier: MIT
// The version, spelt once: from the macros of the header.
#include "pollux/core/version.hpp"

#define POLLUX_TEXT_OF(x) #x
#define POLLUX_TEXT(x) POLLUX_TEXT_OF(x)

namespace pollux::inline v0 {

const char* version() noexcept {
    return POLLUX_TEXT(POLLUX_VERSION_MAJOR) "." POLLUX_TEXT(POLLUX_VERSION_MINOR) "." POLLUX_TEXT(
        POLLUX_VERSION_PATCH);
}

}  // namespace pollux::inline v0

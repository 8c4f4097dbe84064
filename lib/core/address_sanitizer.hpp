// SPDX-License-Identifier: MIT
// Whether this is a build with address sanitizer: POLLUX_ADDRESS_SANITIZER is defined then. g++ and clang tell it in ways of their own.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define POLLUX_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POLLUX_ADDRESS_SANITIZER 1
#endif
#endif

// SPDX-License-Identifier: MIT
// The one mark of what libpollux.so shows. Everything else has hidden visibility, so that two copies of the library in one
// process never mix. Classes that are thrown carry it, so that a catch in another shared object knows them.
//
// Also the one word about an older C++, since every header includes this one before it says anything itself.
#pragma once

#if __cplusplus <= 202002L
#error "pollux: needs C++23; compile with -std=c++23"
#endif

#define POLLUX_API [[gnu::visibility("default")]]

// SPDX-License-Identifier: MIT
// The one mark of what libpollux.so shows. Everything else has hidden visibility, so that two copies of the library in one
// process never mix. Classes that are thrown carry it, so that a catch in another shared object knows them.
#pragma once

#define POLLUX_API [[gnu::visibility("default")]]

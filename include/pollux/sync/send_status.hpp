// SPDX-License-Identifier: MIT
// What became of a send that does not wait.
#pragma once

namespace pollux::inline v0::sync {

enum class send_status {
    sent,          // the value was moved from
    full,          // no place is free, or others wait for one
    disconnected,  // the receiver is gone or has closed the channel
};

}  // namespace pollux::inline v0::sync

// SPDX-License-Identifier: MIT
// The error of a channel whose other side is gone.
#pragma once

namespace pollux::inline v0::sync {

/// The other side of the channel has been dropped or closed.
struct disconnected {
    friend bool operator==(disconnected, disconnected) noexcept = default;
};

}  // namespace pollux::inline v0::sync

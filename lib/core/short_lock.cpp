// SPDX-License-Identifier: MIT
// The way into the kernel, for who finds the lock taken and for who wakes it.
#include "pollux/core/short_lock.hpp"

#include "core/futex.hpp"

namespace pollux::inline v0::detail {

void short_lock::wait() noexcept {
    while (word_.exchange(waited_, std::memory_order::acquire) != free_)  // pairs with the release in unlock()
        os_futex::wait(word_, waited_, os_futex::clock::time_point::max());
}

void short_lock::wake_one() noexcept { os_futex::wake_one(word_); }

}  // namespace pollux::inline v0::detail

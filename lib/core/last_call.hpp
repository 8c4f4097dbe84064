// SPDX-License-Identifier: MIT
// For functions on the way of every task whose rare part is a call of another one. If that call is the last thing they do, they save no
// registers for it. It is not, once the compiler has seen that the other one's answer is always the same, and puts the answer in itself.
#pragma once

namespace pollux::inline v0::detail {

/// The same, but the compiler does not know it.
[[gnu::always_inline]] inline bool unforeseen(bool answer) noexcept {
    asm("" : "+r"(answer));
    return answer;
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// How a future that does not write down its end anyway does so for a debug build, which stops when it is polled again.
//
// A release build asks nobody, so it does not write either, and an exception passes through as if nothing were here. Where the end
// is written every build has: a byte of its own, or a value that is never met while the future runs.
#pragma once

#include <type_traits>

#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

/// `advance()`, the poll itself. In a debug build `end()` comes after it if the answer is ready, and after an exception. Inlined by
/// force, as what is given to it has to be: a poll must not pay for what only a debug build does.
template <class Advance, class End>
[[gnu::always_inline]] inline std::invoke_result_t<Advance&> until_over(Advance advance, [[maybe_unused]] End end) {
#ifdef NDEBUG
    return advance();
#else
    try {
        auto answer = advance();
        if (answer.is_ready()) end();
        return answer;
    } catch (...) {
        end();
        throw;
    }
#endif
}

}  // namespace pollux::inline v0::detail

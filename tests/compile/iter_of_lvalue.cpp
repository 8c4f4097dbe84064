// SPDX-License-Identifier: MIT
// Elements are not moved out of a range behind the user's back.
// expect: pollux: iter: the elements of a view, or of an lvalue, are copied, and these cannot be; move the range itself in
#include <memory>
#include <utility>
#include <vector>

#include "pollux/stream.hpp"

void program() {
    std::vector<std::unique_ptr<int>> elements;
    auto source = pollux::iter(std::move(elements));
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter(elements);
#endif
}

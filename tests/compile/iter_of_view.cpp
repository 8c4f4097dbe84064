// SPDX-License-Identifier: MIT
// A view does not own its elements, so they are copied.
// expect: pollux: iter: the elements of a view, or of an lvalue, are copied, and these cannot be; move the range itself in
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "pollux/stream.hpp"

void program() {
    std::vector<std::unique_ptr<int>> elements;
    auto source = pollux::iter(std::move(elements));
    static_cast<void>(source);
#if defined(MUST_NOT_COMPILE)
    auto bad = pollux::iter(std::span(elements));
#endif
}

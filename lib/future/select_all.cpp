// SPDX-License-Identifier: MIT
// The part of `select_all` and `select_ok` that does not depend on the types.
#include "pollux/future/select_all.hpp"

#include <cstddef>
#include <stdexcept>

namespace pollux::inline v0::detail {

void check_selected_range(std::size_t count, const char* message) {
    if (count == 0) throw std::invalid_argument(message);
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The part of `buffered` that does not depend on the types.
#include "pollux/stream/buffered.hpp"

#include <cstddef>
#include <stdexcept>

namespace pollux::inline v0::detail {

void check_buffer_size(std::size_t n, const char* message) {
    if (n == 0) throw std::invalid_argument(message);
}

}  // namespace pollux::inline v0::detail

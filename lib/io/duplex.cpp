// SPDX-License-Identifier: MIT
#include "pollux/io/duplex.hpp"

#include <cstddef>
#include <stdexcept>
#include <utility>

namespace pollux::inline v0::io::detail {

std::pair<duplex_stream, duplex_stream> duplex_making::make(std::size_t capacity) {
    if (capacity == 0) {
        throw std::invalid_argument(
            "pollux: io::duplex(0): nothing could ever be written; give it room for a byte or more");
    }
    auto* const forth = new pipe(capacity);
    // Each pipe has its two ends at once, so that a throw behind it frees it.
    duplex_writer forth_writer(forth);
    duplex_reader forth_reader(forth);
    auto* const back = new pipe(capacity);
    duplex_writer back_writer(back);
    duplex_reader back_reader(back);
    return {duplex_stream(std::move(back_reader), std::move(forth_writer)),
            duplex_stream(std::move(forth_reader), std::move(back_writer))};
}

}  // namespace pollux::inline v0::io::detail

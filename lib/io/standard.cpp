// SPDX-License-Identifier: MIT
#include "pollux/io/standard.hpp"

#include <unistd.h>

namespace pollux::inline v0::io {

standard_input_stream standard_input() {
    return standard_input_stream(detail::blocking_descriptor(STDIN_FILENO, {.is_owned = false, .is_input = true}));
}

standard_output_stream standard_output() {
    return standard_output_stream(detail::blocking_descriptor(STDOUT_FILENO, {.is_owned = false}));
}

}  // namespace pollux::inline v0::io

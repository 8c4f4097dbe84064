// SPDX-License-Identifier: MIT
// A value is an object.
// expect: pollux: polled: value_type is a reference; use a pointer or std::reference_wrapper
#include "pollux/core/polled.hpp"

#if defined(MUST_NOT_COMPILE)
using value = int&;
#else
using value = int*;
#endif

bool program(pollux::polled<value> answer) { return answer.is_pending(); }

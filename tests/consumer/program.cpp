// SPDX-License-Identifier: MIT
// What a user of the installed library builds. Its first line of output is the version of the library.
#include <cstdio>

#include "pollux/core/version.hpp"

int main() { std::puts(pollux::version()); }

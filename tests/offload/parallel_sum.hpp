// SPDX-License-Identifier: MIT
// A parallel algorithm of oneTBB for a job to use; built without sanitizers, see meson.build.
#pragma once

namespace pollux::test {

/// 0 + 1 + ... + (n - 1).
int parallel_sum(int n);

}  // namespace pollux::test

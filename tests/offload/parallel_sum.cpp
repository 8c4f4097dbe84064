// SPDX-License-Identifier: MIT
#include "parallel_sum.hpp"

#include <oneapi/tbb/parallel_for.h>

#include <atomic>

namespace pollux::test {

int parallel_sum(int n) {
    std::atomic<int> sum{0};
    oneapi::tbb::parallel_for(0, n, [&sum](int i) { sum += i; });
    return sum;
}

}  // namespace pollux::test

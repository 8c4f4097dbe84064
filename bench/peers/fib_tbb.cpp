// SPDX-License-Identifier: MIT
// fib(N) as a user of oneTBB writes it with task_group: one task for the first branch, the second in place. The peer of ../fib.cpp.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstdint>

#include "fib_calls.hpp"
#include "measure.hpp"

namespace {

std::uint64_t fib(std::uint64_t n) {
    if (n < 2) return n;
    std::uint64_t left = 0;
    oneapi::tbb::task_group group;
    group.run([&left, n] { left = fib(n - 1); });
    const std::uint64_t right = fib(n - 2);
    group.wait();
    return left + right;
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv, 34);
    const oneapi::tbb::global_control threads(oneapi::tbb::global_control::max_allowed_parallelism, arguments.workers);
    oneapi::tbb::task_arena arena(static_cast<int>(arguments.workers));
    const auto result = arena.execute([&] {
        fib(20);
        return bench::measure(bench::fib_calls(arguments.size), [&] { return fib(arguments.size); });
    });
    return arguments.size == 34 && result != 5'702'887 ? 1 : 0;
}

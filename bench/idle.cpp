// SPDX-License-Identifier: MIT
// Context switches of all threads of a runtime that has nothing to do: over N seconds (5 unless said), from 2 s after its last
// work on. Reported as `switches`; the thread that measures is left out.
#include <unistd.h>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "measure.hpp"
#include "pollux/runtime.hpp"

namespace {

std::uint64_t switches_of_other_threads() {
    std::uint64_t sum = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        if (thread.path().filename() == std::to_string(gettid())) continue;
        std::ifstream status(thread.path() / "status");
        for (std::string line; std::getline(status, line);)
            if (line.find("ctxt_switches:") != std::string::npos)
                sum += std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
    }
    return sum;
}

pollux::task<> yield_often() {
    for (int i = 0; i != 1000; ++i) co_await pollux::yield_now();
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv, 5);
    pollux::runtime_options options;
    options.workers = arguments.workers;
    pollux::runtime runtime(options);
    for (int i = 0; i != 100; ++i) runtime.block_on(runtime.spawn(yield_often()));
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const std::uint64_t before = switches_of_other_threads();
    std::this_thread::sleep_for(std::chrono::seconds(arguments.size));
    bench::report("switches", static_cast<double>(switches_of_other_threads() - before));
}

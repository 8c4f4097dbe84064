// SPDX-License-Identifier: MIT
// What a runtime costs that has nothing to do: context switches (`switches`) and CPU time (`cpu_ms`) of all of its threads over N seconds
// (5 unless said), from 2 s after its last work on. `idle nothing WORKERS [N]`, or `idle sleeps` with 1,000 sleeps of an hour armed. The
// thread that measures is left out. The peer is peers/tokio/src/bin/server.rs.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "heuristics.hpp"
#include "measure.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"

namespace {

struct usage {
    std::uint64_t switches = 0;
    std::uint64_t cpu_ns = 0;
};

usage of_other_threads() {
    usage sum;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
        if (thread.path().filename() == std::to_string(gettid())) continue;
        std::ifstream status(thread.path() / "status");
        for (std::string line; std::getline(status, line);)
            if (line.find("ctxt_switches:") != std::string::npos)
                sum.switches += std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
        // Of its three numbers the first is the time on a CPU.
        std::uint64_t ran = 0;
        std::ifstream(thread.path() / "schedstat") >> ran;
        sum.cpu_ns += ran;
    }
    return sum;
}

pollux::task<> yield_often() {
    for (int i = 0; i != 1'000; ++i) co_await pollux::yield_now();
}

}  // namespace

int main(int argc, char** argv) {
    bench::take_heuristics(argc, argv);
    const std::string_view scenario = argc > 1 ? argv[1] : "";
    if (scenario != "nothing" && scenario != "sleeps") {
        std::fprintf(stderr, "usage: %s nothing|sleeps WORKERS [N]\n", argv[0]);
        return 2;
    }
    const bench::arguments given(argc - 1, argv + 1, 5);
    pollux::runtime_options options;
    options.workers = given.workers;
    pollux::runtime runtime(options);
    for (int i = 0; i != 100; ++i) runtime.block_on(runtime.spawn(yield_often()));
    if (scenario == "sleeps")
        for (int i = 0; i != 1'000; ++i) runtime.spawn(pollux::sleep_for(std::chrono::hours(1))).detach();
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const usage before = of_other_threads();
    bench::measure(given.size, [&] {
        std::this_thread::sleep_for(std::chrono::seconds(given.size));
        return 0;
    });
    const usage after = of_other_threads();
    bench::report("switches", static_cast<double>(after.switches - before.switches));
    bench::report("cpu_ms", static_cast<double>(after.cpu_ns - before.cpu_ns) * 1e-6);
}

// SPDX-License-Identifier: MIT
// Runs the scenarios of a model program, each twice: all schedules with at most `bound` preemptions, each load returning the
// newest value or the one before it if it may; then random schedules with any number of preemptions and up to two older values.
// The first failure prints its whole history and ends the program with 1. Included by relacy_sync.hpp, behind Relacy.
//
// How far. A plain run is for every build: seconds a program. --deep is for a long one: at least a million random schedules of
// each scenario, and the deep bound: three preemptions between two threads, two among three, unless a scenario says
// otherwise because its search does not end in minutes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <ostream>
#include <streambuf>

namespace pollux::model {

template <class Derived, int Threads>
using suite = rl::test_suite<Derived, Threads>;

struct scenario {
    const char* name;
    unsigned bound;             // preemptions in the exhaustive search
    unsigned deep_bound;        // the same with --deep
    std::uint64_t random_runs;  // unless --random says another number, or --deep
    bool (*simulate)(rl::test_params&);
    bool (*is_covered)();  // whether every outcome the model is about was seen
};

inline constexpr std::uint64_t plain_runs = 20'000;
inline constexpr std::uint64_t deep_runs = 1'000'000;

constexpr unsigned deep_bound_for(unsigned bound, unsigned threads) {
    return std::max(bound, threads == 2 ? 3u : threads == 3 ? 2u : 1u);
}

template <class Suite>
scenario describe(const char* name, unsigned bound, std::uint64_t random_runs = plain_runs, int deep_bound = -1) {
    bool (*covered)() = [] { return true; };
    if constexpr (requires { Suite::is_covered(); }) covered = [] { return Suite::is_covered(); };
    const unsigned deepest =
        deep_bound < 0 ? deep_bound_for(bound, Suite::params::thread_count) : static_cast<unsigned>(deep_bound);
    return {name, bound, deepest, random_runs, [](rl::test_params& p) { return rl::simulate<Suite>(p); }, covered};
}

/// Keeps what Relacy prints until it is known to matter. Relacy owns operator new while it runs, so this must not use
/// it.
class kept_output : public std::streambuf {
public:
    kept_output() = default;
    ~kept_output() override { std::free(text_); }
    void print() const { std::fwrite(text_, 1, size_, stdout); }

private:
    int_type overflow(int_type c) override {
        const char one = traits_type::to_char_type(c);
        append(&one, 1);
        return traits_type::not_eof(c);
    }
    std::streamsize xsputn(const char* text, std::streamsize n) override {
        append(text, static_cast<std::size_t>(n));
        return n;
    }
    void append(const char* text, std::size_t n) {
        if (size_ + n > room_) {
            room_ = 2 * (size_ + n);
            text_ = static_cast<char*>(std::realloc(text_, room_));
        }
        std::memcpy(text_ + size_, text, n);
        size_ += n;
    }

    char* text_ = nullptr;
    std::size_t size_ = 0;
    std::size_t room_ = 0;
};

inline bool search(const scenario& s, rl::test_params& params) {
    kept_output kept;
    std::ostream stream(&kept);
    params.output_stream = params.progress_stream = &stream;
    params.execution_depth_limit = 20'000;
    const bool random = params.search_type == rl::sched_random;
    const auto first = params.initial_state.empty() ? 1 : std::strtoull(params.initial_state.c_str(), nullptr, 10);
    const auto start = std::chrono::steady_clock::now();
    const bool ok = s.simulate(params);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (!ok) kept.print();
    std::printf("%s: %s, %s", s.name, ok ? "ok" : "FAILED", random ? "random" : "exhaustive");
    if (!random) std::printf(" at bound %u", params.context_bound);
    std::printf(", %llu executions, %.2f s\n", static_cast<unsigned long long>(params.stop_iteration - first + 1),
                took.count());
    std::fflush(stdout);
    return ok;
}

/// Runs the scenarios. Command line: --deep (see above), --bound B and --random N in place of the figures that would hold (0:
/// skip that search), --seed S (first random seed, default 1), --only TEXT (scenarios whose name holds it). Returns the
/// exit code.
inline int main(int argc, char** argv, std::initializer_list<scenario> scenarios) {
    long bound = -1;
    long long random = -1;
    unsigned long long seed = 1;
    bool deep = false;
    const char* only = "";
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--deep") == 0) {
            deep = true;
            continue;
        }
        if (i + 1 == argc) break;
        const char* const value = argv[i + 1];
        if (std::strcmp(argv[i], "--bound") == 0) bound = std::atol(value);
        if (std::strcmp(argv[i], "--random") == 0) random = std::atoll(value);
        if (std::strcmp(argv[i], "--seed") == 0) seed = std::strtoull(value, nullptr, 10);
        if (std::strcmp(argv[i], "--only") == 0) only = value;
        ++i;
    }
    int ran = 0;
    for (const scenario& s : scenarios) {
        if (std::strstr(s.name, only) == nullptr) continue;
        ++ran;
        if (bound != 0) {
            rl::test_params params;
            params.search_type = rl::sched_bound;
            params.context_bound = bound >= 0 ? static_cast<unsigned>(bound) : deep ? s.deep_bound : s.bound;
            if (!search(s, params)) return 1;
        }
        const auto runs = random >= 0 ? static_cast<std::uint64_t>(random)
                          : deep      ? std::max(s.random_runs, deep_runs)
                                      : s.random_runs;
        if (runs != 0) {
            rl::test_params params;
            params.search_type = rl::sched_random;
            char first[24];
            std::snprintf(first, sizeof first, "%llu", seed);
            params.initial_state = first;
            params.iteration_count = seed - 1 + runs;
            if (!search(s, params)) return 1;
        }
        // Half of the searches need not see everything: a mutant is not noticed by that.
        if (bound != 0 && random != 0 && !s.is_covered()) {
            std::printf("%s: FAILED, an outcome it is about was never seen\n", s.name);
            return 1;
        }
    }
    if (ran == 0) std::printf("no scenario's name holds \"%s\"\n", only);
    return ran == 0 ? 1 : 0;
}

}  // namespace pollux::model

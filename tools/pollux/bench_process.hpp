// SPDX-License-Identifier: MIT
// Runs one program to its end, and says what it printed and what it took. Nothing of ours runs meanwhile: this process waits
// in poll().
//
// The program has its own process group and no input. It is killed with its group on SIGINT, SIGTERM or SIGHUP; if this process
// dies, it alone.
#pragma once

#include "descriptor.hpp"

#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

namespace pollux_tool::bench {

/// Ctrl-C, SIGTERM or SIGHUP: what ran has been ended.
class interrupted : public std::runtime_error {
public:
    explicit interrupted(int signal) : std::runtime_error("interrupted"), signal_(signal) {}

    int signal() const { return signal_; }

private:
    int signal_;
};

struct process_result {
    std::string output;
    std::string errors;
    bool is_success = false;
    std::string ending;      // `status 1`, `killed by signal 9 (Killed)`
    double cpu_seconds = 0;  // of all its threads, in user space and in the kernel
    double peak_rss_mb = 0;  // 10^6 bytes
    double voluntary_switches = 0;
};

/// What `ending` says of a program that cannot be run: it is not there, say.
inline constexpr const char* ending_of_missing_program = "status 127";

/// While there is one, SIGINT, SIGTERM and SIGHUP do not end this process; runs and `check` look for them. The main thread has
/// it; no other thread is to run.
class interrupt_guard {
public:
    interrupt_guard();
    interrupt_guard(const interrupt_guard&) = delete;
    interrupt_guard& operator=(const interrupt_guard&) = delete;
    ~interrupt_guard();

    /// Throws: interrupted, if one of them has come.
    void check() const;

    /// The words of `command`, the first of which is a path or is looked for in PATH; `environment` are further `NAME=VALUE`.
    /// Throws: interrupted; std::system_error if no process can be made. A program that cannot be run has status 127.
    process_result run(const std::vector<std::string>& command, const std::vector<std::string>& environment = {}) const;

private:
    sigset_t original_mask_{};
    struct sigaction original_action_{};
    descriptor signals_;
};

/// The end of what a program said on stderr, as one line: enough to see why it failed.
std::string last_words(const std::string& errors);

/// Of the whole machine and of this process with its children, in seconds: who else has been busy is the difference.
struct cpu_clock {
    double machine = 0;
    double ours = 0;

    static cpu_clock now();
};

}  // namespace pollux_tool::bench

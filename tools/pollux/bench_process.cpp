// SPDX-License-Identifier: MIT
// A child process with pipes, a signal descriptor beside them, and wait4; see bench_process.hpp.

#include "bench_process.hpp"

#include "descriptor.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>

namespace pollux_tool::bench {

namespace {

// Not the 1 of a program that says that its result was wrong.
constexpr int status_not_run = 127;

// A program that prints without end is cut off here rather than held in memory: reports are a few lines.
constexpr std::size_t most_output = std::size_t{16} << 20U;

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

struct pipe_ends {
    descriptor read;
    descriptor write;

    pipe_ends() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
        read = descriptor(ends[0]);
        write = descriptor(ends[1]);
    }
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> out;
    for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
    out.push_back(nullptr);
    return out;
}

// Between fork and exec, where nothing may be allocated.
[[noreturn]] void become(char* const* words, char* const* environment, int input, int output, int errors,
                         const sigset_t& mask) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::signal(SIGPIPE, SIG_DFL);  // ignored in this process, and exec would hand that on
    ::execvpe(words[0], words, environment);
    const char* why = ::strerrordesc_np(errno);
    static_cast<void>(::write(STDERR_FILENO, why, std::strlen(why)) < 0);
    ::_exit(status_not_run);
}

// Takes what is there. Whether there may be more; at its end the pipe is not watched any more.
bool take(pollfd& watched, const descriptor& from, std::string& into) {
    if (watched.revents == 0) return false;
    std::array<char, 65536> buffer{};
    const auto got = ::read(from.get(), buffer.data(), buffer.size());
    if (got > 0 && into.size() < most_output) into.append(buffer.data(), static_cast<std::size_t>(got));
    const bool may_have_more = got > 0 || (got < 0 && errno == EINTR);
    if (!may_have_more) watched.fd = -1;
    return may_have_more;
}

std::string ending_of(int status) {
    if (WIFEXITED(status)) return fmt::format("status {}", WEXITSTATUS(status));
    const char* name = ::sigdescr_np(WTERMSIG(status));
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), name != nullptr ? name : "unknown");
}

}  // namespace

interrupt_guard::interrupt_guard() {
    // Ctrl-C counts where it is ignored, too, as in a shell script's `command &`; whether a signal that is both ignored and blocked
    // reaches the descriptor is left to the system.
    struct sigaction normal{};
    normal.sa_handler = SIG_DFL;
    ::sigaction(SIGINT, &normal, &original_action_);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGINT);
    // Where one of these is ignored, as SIGHUP is under nohup, that was meant, and it stays so. Linux would hand on a blocked one.
    for (const int it : {SIGTERM, SIGHUP}) {
        struct sigaction now{};
        ::sigaction(it, nullptr, &now);
        if (now.sa_handler != SIG_IGN) sigaddset(&mask, it);
    }
    ::sigprocmask(SIG_BLOCK, &mask, &original_mask_);
    signals_ = descriptor(::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) fail("signalfd");
}

interrupt_guard::~interrupt_guard() {
    // One that has come and that nobody looked for is no reason to end without a word now.
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {}
    ::sigaction(SIGINT, &original_action_, nullptr);
    ::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
}

void interrupt_guard::check() const {
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
        throw interrupted(static_cast<int>(info.ssi_signo));
}

process_result interrupt_guard::run(const std::vector<std::string>& command,
                                    const std::vector<std::string>& environment) const {
    check();
    std::vector<std::string> variables = environment;
    for (char** it = environ; *it != nullptr; ++it) variables.emplace_back(*it);
    const auto words = pointers(command);
    const auto values = pointers(variables);
    const descriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    pipe_ends output, errors;

    // Neither vfork nor posix_spawn: a child that shares our memory until exec would inherit our peak RSS into what wait4
    // says of it.
    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        become(words.data(), values.data(), input.get(), output.write.get(), errors.write.get(), original_mask_);
    }
    ::setpgid(child, child);  // whoever comes first: the group is there when it has to be killed
    // By its number: glibc 2.36 declares pidfd_open for C only.
    const descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    if (process.get() < 0) fail("pidfd_open");
    output.write = descriptor();
    errors.write = descriptor();

    process_result out;
    bool is_interrupted = false;
    std::array<pollfd, 4> watched{pollfd{output.read.get(), POLLIN, 0}, pollfd{errors.read.get(), POLLIN, 0},
                                  pollfd{process.get(), POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
    for (bool has_ended = false; !is_interrupted;) {
        // A look after the end finds what was written before it.
        const bool is_last = has_ended;
        if (::poll(watched.data(), watched.size(), is_last ? 0 : -1) < 0) {
            if (errno == EINTR) continue;
            fail("poll");
        }
        const bool has_output = take(watched[0], output.read, out.output);
        const bool has_errors = take(watched[1], errors.read, out.errors);
        if (is_last && !has_output && !has_errors) break;
        is_interrupted = watched[3].revents != 0;
        has_ended = watched[2].revents != 0;
        // What it has left behind keeps the pipes open, and would disturb the next one. The group is ours until wait4.
        if (has_ended || is_interrupted) ::kill(-child, SIGKILL);
    }

    int status = 0;
    rusage usage{};
    while (::wait4(child, &status, 0, &usage) < 0) {
        if (errno != EINTR) fail("wait4");
    }
    if (is_interrupted) check();
    out.is_success = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    out.ending = ending_of(status);
    out.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    out.peak_rss_mb = static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;
    out.voluntary_switches = static_cast<double>(usage.ru_nvcsw);
    return out;
}

std::string last_words(const std::string& errors) {
    constexpr std::size_t most = 300;
    std::string out = errors.substr(errors.size() - std::min(errors.size(), most));
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    for (auto& it : out) {
        if (static_cast<unsigned char>(it) < ' ') it = ' ';
    }
    return out.empty() ? "it said nothing on stderr" : out;
}

cpu_clock cpu_clock::now() {
    cpu_clock out;
    // user nice system idle iowait irq softirq, in ticks; the time that the machine's host took is in none of them.
    std::ifstream file("/proc/stat");
    std::string word;
    file >> word;
    for (int i = 0; i != 7; ++i) {
        double ticks = 0;
        file >> ticks;
        if (i != 3 && i != 4) out.machine += ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
        rusage usage{};
        ::getrusage(who, &usage);
        out.ours += seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }
    return out;
}

}  // namespace pollux_tool::bench

// SPDX-License-Identifier: MIT
// Processes that the system allows little: one processor, a share of one, small stacks, no descriptor. Everything has to work there.
// Usage: limited_process NAME..., names from the list below; it starts itself once for each, as limited_process --here NAME.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "pollux/coro.hpp"
#include "pollux/io.hpp"
#include "pollux/net.hpp"
#include "pollux/offload.hpp"
#include "pollux/runtime.hpp"
#include "pollux/time.hpp"
#include "support/process_state.hpp"
#include "support/temporary_directory.hpp"

namespace {

using pollux::task;

constexpr int skipped = 77, unknown = 78;  // beside the small numbers of what did not hold

task<int> fib(int n) {
    if (n < 2) co_return n;
    const auto [a, b] = co_await pollux::fork_join(fib(n - 1), fib(n - 2));
    co_return a + b;
}
// Deeper than a stack of frames could be.
task<int> await_chain(int depth) {
    if (depth == 0) co_return 0;
    const int below = co_await await_chain(depth - 1);
    co_return below + 1;
}
task<int> fork_chain(int depth) {
    if (depth == 0) co_return 0;
    const auto [below, here] = co_await pollux::fork_join(fork_chain(depth - 1), [] { return 1; });
    co_return below + here;
}
task<> waits_below(int depth) {
    if (depth == 0) {
        co_await pollux::sleep_for(std::chrono::hours(1));
        co_return;
    }
    co_await waits_below(depth - 1);
}

// Some of everything, on workers, on the CPU pool and on blocking threads.
task<bool> everything() {
    bool holds = true;
    for (int i = 0; i != 20; ++i) {
        auto forked = pollux::spawn(fib(12));
        auto computed = pollux::spawn(pollux::offload([i] { return i; }));
        auto blocked = pollux::spawn(pollux::blocking([i] { return i; }));
        co_await pollux::sleep_for(std::chrono::microseconds(50));
        const int a = co_await forked;
        const int b = co_await computed;
        const int c = co_await blocked;
        holds = holds && a == 144 && b == i && c == i;
    }
    co_return holds;
}
bool works(pollux::runtime& rt) { return rt.block_on(rt.spawn(everything())) && rt.block_on(everything()); }
bool works_with(unsigned workers) {
    pollux::runtime_options options;
    options.workers = workers;
    pollux::runtime rt(options);
    return rt.metrics().workers == workers && works(rt);
}

bool keep_one_processor() {
    cpu_set_t mask;
    if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return false;
    cpu_set_t one;
    CPU_ZERO(&one);
    int first = 0;
    while (!CPU_ISSET(first, &mask)) ++first;
    CPU_SET(first, &one);
    return ::sched_setaffinity(0, sizeof one, &one) == 0;
}

// --- the scenarios: 0 if everything held, `skipped`, or the number of what did not ---------------------------------------------

int one_processor() {
    if (!keep_one_processor()) return 1;
    {
        pollux::runtime usual;
        if (usual.metrics().workers != 1 || !works(usual)) return 2;
    }
    pollux::current_thread_runtime driven;
    return driven.block_on(everything()) ? 0 : 3;
}

int many_workers_on_one_processor() {
    if (!keep_one_processor()) return 1;
    return works_with(64) ? 0 : 2;
}

// A mount namespace of its own: as root, or as root of a user namespace.
bool leave_mount_namespace() {
    if (::unshare(CLONE_NEWNS) == 0) return true;
    const auto user = std::to_string(::geteuid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/uid_map") << "0 " + user + " 1";  // else nothing could be written
    return true;
}

// In a mount namespace of its own, whose control group files are ours: what the machine has there is not touched.
int fifth_of_a_processor() {
    namespace fs = std::filesystem;
    if (!leave_mount_namespace()) return skipped;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return skipped;
    if (::mount("tmpfs", "/sys/fs/cgroup", "tmpfs", 0, nullptr) != 0) return skipped;
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        if (!line.starts_with("0::/")) continue;
        const fs::path folder = "/sys/fs/cgroup" + line.substr(3);
        fs::create_directories(folder);
        if (!(std::ofstream(folder / "cpu.max") << "20000 100000\n").flush()) return skipped;
        pollux::runtime usual;
        return usual.metrics().workers == 1 && works(usual) ? 0 : 1;
    }
    return skipped;
}

// Names of our own, also in a mount namespace, where they stay. IPv4 first, which is not the usual order.
int names_of_both_families() {
    if (!leave_mount_namespace()) return skipped;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return skipped;
    const pollux::test::temporary_directory folder;
    const auto replace = [&](const char* name, const char* text) {
        const std::string file = folder / name;
        if (!(std::ofstream(file) << text).flush()) return false;
        const std::string there = std::string("/etc/") + name;
        return ::mount(file.c_str(), there.c_str(), nullptr, MS_BIND, nullptr) == 0;
    };
    if (!replace("hosts", "127.0.0.1 both.test\n::1 both.test\n") ||
        !replace("gai.conf", "precedence ::ffff:0:0/96 100\n"))
        return skipped;
    return pollux::run([]() -> task<int> {
        using pollux::net::udp_socket;
        auto ours = co_await udp_socket::bind("[::1]:0");
        if (!ours) co_return skipped;
        const auto port = std::to_string(ours->local_address()->port());
        const auto sent = co_await ours->send_to("x", "both.test:" + port);
        co_return sent == 1uz ? 0 : 1;
    });
}

// A filter of system calls as old ones are: what they do not know is forbidden.
int newer_calls_are_forbidden() {
    constexpr auto at_number = static_cast<unsigned>(offsetof(::seccomp_data, nr));
    ::sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at_number),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const ::sock_fprog filter{.len = static_cast<unsigned short>(std::size(steps)), .filter = steps};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        return skipped;
    auto ends = pollux::net::unix_stream::pair();
    if (!ends) return 1;
    pollux::current_thread_runtime rt;
    auto reading = rt.spawn([](pollux::net::unix_stream from) -> task<bool> {
        co_return (co_await from.read_some(1)).value_or("") == "x";
    }(std::move(ends->first)));
    rt.run_until_stalled();
    if (reading.is_finished()) return 4;
    if (ends->second.try_write("x") != 1uz) return 2;
    return rt.block_on(std::move(reading)) ? 0 : 3;
}

int small_stacks() {
    ::pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, 256 * 1024);
    if (::pthread_setattr_default_np(&attributes) != 0) return 1;
    ::pthread_attr_destroy(&attributes);
    pollux::runtime_options options;
    options.workers = 2;
    pollux::runtime rt(options);
    if (!works(rt)) return 2;
    if (rt.block_on(rt.spawn(await_chain(100'000))) != 100'000) return 3;
    if (rt.block_on(rt.spawn(fork_chain(20'000))) != 20'000) return 4;
    auto waiting = rt.spawn(waits_below(100'000));
    while (rt.metrics().timers_armed == 0) ::sched_yield();
    waiting.abort();
    while (!waiting.is_finished()) ::sched_yield();
    return 0;
}

int no_descriptors() {
    constexpr ::rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return 1;
    if (::open("/dev/null", O_RDONLY) != -1 || errno != EMFILE) return 2;
    pollux::runtime usual;
    if (usual.metrics().descriptors != 0) return 3;
    return works(usual) ? 0 : 4;
}

// oneTBB does not recover from that; what asks for it is told, at once and later, and the rest goes on.
int no_thread_for_offload() {
    const auto refuses = [](pollux::runtime& rt) {
        try {
            rt.block_on(pollux::offload([] {}));
        } catch (const std::exception&) {
            return true;
        }
        return false;
    };
    {
        pollux::runtime rt;
        {
            const pollux::test::refused_threads all(0);
            if (!refuses(rt)) return 1;
        }
        if (!refuses(rt)) return 2;
        if (rt.block_on(pollux::blocking([] { return 3; })) != 3) return 3;
    }
    pollux::runtime another;
    if (!refuses(another)) return 4;
    return another.block_on(another.spawn([] { return 5; })) == 5 ? 0 : 5;
}

// oneTBB has enqueued the runner by the time it is refused the second thread; the first one may come to it, or not.
int one_thread_for_offload() {
    pollux::runtime_options options;
    options.cpu_slots = 2;
    pollux::runtime rt(options);
    const pollux::test::refused_threads all_but_one(1);
    for (int i = 0; i != 3; ++i) {
        try {
            if (rt.block_on(pollux::offload([i] { return i; })) != i) return 1;
        } catch (const std::exception&) {}
    }
    return rt.block_on(rt.spawn([] { return 5; })) == 5 ? 0 : 2;
}

struct scenario {
    const char* name;
    int (*run)();
};
constexpr std::array scenarios{
    scenario{"one_processor", one_processor},
    scenario{"many_workers_on_one_processor", many_workers_on_one_processor},
    scenario{"fifth_of_a_processor", fifth_of_a_processor},
    scenario{"small_stacks", small_stacks},
    scenario{"names_of_both_families", names_of_both_families},
    scenario{"newer_calls_are_forbidden", newer_calls_are_forbidden},
    scenario{"no_descriptors", no_descriptors},
    scenario{"no_thread_for_offload", no_thread_for_offload},
    scenario{"one_thread_for_offload", one_thread_for_offload},
};

int status_of(char* program, char* name) {
    std::string here = "--here";
    char* const arguments[] = {program, here.data(), name, nullptr};
    ::pid_t child = 0;
    if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environ) != 0) return -1;
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_here(std::string_view name) {
    for (const scenario& each : scenarios)
        if (name == each.name) return each.run();
    return unknown;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--here") return run_here(argv[2]);
    int passed = 0, failed = 0;
    for (int i = 1; i < argc; ++i) {
        const int status = status_of(argv[0], argv[i]);
        if (status == skipped)
            std::printf("%s: skipped, the system does not allow it\n", argv[i]);
        else if (status != 0)
            std::printf("%s: failed with %d\n", argv[i], status);
        passed += status == 0;
        failed += status != 0 && status != skipped;
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}

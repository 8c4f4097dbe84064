// SPDX-License-Identifier: MIT
// Starting a process: posix_spawn, whose child shares the memory until it has begun with the program, so it costs the same whatever the
// size of this process; and a pidfd, by which the child is known from then on.
#include "pollux/process/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "process/running.hpp"

namespace pollux::inline v0::process {

namespace detail {

namespace {

using descriptor = net::detail::source;

std::error_code system_error_of(int error) noexcept { return {error, std::system_category()}; }

struct pipe_ends {
    descriptor ours;
    descriptor theirs;
};

/// `is_read`: by the parent, whose end does not block.
std::expected<pipe_ends, std::error_code> make_pipe(bool is_read) noexcept {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(system_error_of(errno));
    pipe_ends made{descriptor(ends[is_read ? 0 : 1]), descriptor(ends[is_read ? 1 : 0])};
    // Where this process has closed a standard stream the end could be in the way of another one's.
    if (made.theirs.descriptor() <= STDERR_FILENO) {
        const int above = ::fcntl(made.theirs.descriptor(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (above < 0) return std::unexpected(system_error_of(errno));
        made.theirs = descriptor(above);
    }
    if (::fcntl(made.ours.descriptor(), F_SETFL, O_NONBLOCK) != 0) return std::unexpected(system_error_of(errno));
    return made;
}

// The functions of posix_spawn return their error.
class file_actions {
public:
    file_actions() noexcept : error_(::posix_spawn_file_actions_init(&actions_)) {}
    file_actions(const file_actions&) = delete;
    file_actions& operator=(const file_actions&) = delete;
    ~file_actions() { ::posix_spawn_file_actions_destroy(&actions_); }

    void duplicate(int from, int to) noexcept { keep(::posix_spawn_file_actions_adddup2(&actions_, from, to)); }
    void open_null(int to) noexcept { keep(::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDWR, 0)); }
    void change_directory(const char* path) noexcept { keep(::posix_spawn_file_actions_addchdir_np(&actions_, path)); }
    /// The first one.
    int error() const noexcept { return error_; }
    const ::posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

private:
    void keep(int error) noexcept {
        if (error_ == 0) error_ = error;
    }

    ::posix_spawn_file_actions_t actions_;
    int error_;
};

// Nothing blocked or ignored: what this process, or a worker's thread, has is its own affair.
class fresh_signals {
public:
    fresh_signals() noexcept {
        ::posix_spawnattr_init(&attributes_);
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    fresh_signals(const fresh_signals&) = delete;
    fresh_signals& operator=(const fresh_signals&) = delete;
    ~fresh_signals() { ::posix_spawnattr_destroy(&attributes_); }

    const ::posix_spawnattr_t* get() const noexcept { return &attributes_; }

private:
    ::posix_spawnattr_t attributes_;
};

bool has_zero(const std::string& text) noexcept { return text.find('\0') != std::string::npos; }

}  // namespace

struct spawning {
    explicit spawning(const command& what) noexcept : what_(what) {}

    std::expected<child, std::error_code> run() const;
    bool is_valid() const noexcept;
    std::vector<char*> arguments() const;
    std::vector<std::string> environment() const;
    /// Makes the process known to `one`, which is without one if that has ended and somebody has waited for it. On an error the process
    /// is ended.
    static std::error_code adopt(running& one, ::pid_t pid) noexcept;

    const command& what_;
};

bool spawning::is_valid() const noexcept {
    bool is_wrong = has_zero(what_.program_) || (what_.directory_.has_value() && has_zero(*what_.directory_));
    for (const auto& one : what_.args_) is_wrong |= has_zero(one);
    for (const auto& [name, value] : what_.variables_)
        is_wrong |= name.empty() || name.find('=') != std::string::npos || has_zero(name) || has_zero(value);
    return !is_wrong;
}

// posix_spawn takes them without const, and leaves them alone.
std::vector<char*> spawning::arguments() const {
    std::vector<char*> all{const_cast<char*>(what_.program_.c_str())};
    for (const auto& one : what_.args_) all.push_back(const_cast<char*>(one.c_str()));
    all.push_back(nullptr);
    return all;
}

std::vector<std::string> spawning::environment() const {
    std::vector<std::string> all;
    const auto set = [&](std::string_view name, std::string assignment) {
        for (auto& one : all)
            if (one.size() > name.size() && one[name.size()] == '=' && one.starts_with(name)) {
                one = std::move(assignment);
                return;
            }
        all.push_back(std::move(assignment));
    };
    if (!what_.has_empty_environment_)
        for (char** one = ::environ; one != nullptr && *one != nullptr; ++one) all.emplace_back(*one);
    for (const auto& [name, value] : what_.variables_) set(name, name + '=' + value);
    return all;
}

std::error_code spawning::adopt(running& one, ::pid_t pid) noexcept {
    const long fd = ::syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0) {
        one.pid = pid;
        one.exited = descriptor(static_cast<int>(fd));
        return {};
    }
    const int error = errno;
    // It has ended and is no zombie: SIGCHLD is ignored, or somebody waits for every child. The number may be another's by now.
    if (error == ESRCH) return {};
    // Another thread has taken the descriptor that was kept free, or the system lets nobody have one of this kind. Nobody could ever wait
    // for the process. It is not yet far: this does not take long.
    ::kill(pid, SIGKILL);
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
    return system_error_of(error);
}

std::expected<child, std::error_code> spawning::run() const {
    look_through_orphans();
    if (!is_valid()) return std::unexpected(std::make_error_code(std::errc::invalid_argument));
    const std::optional<stdio>* const asked[] = {&what_.stdin_, &what_.stdout_, &what_.stderr_};
    file_actions actions;
    pipe_ends pipes[3];
    for (int target = 0; target != 3; ++target) {
        const stdio kind = asked[target]->value_or(stdio::inherit);
        if (kind == stdio::null) actions.open_null(target);
        if (kind != stdio::piped) continue;
        auto made = make_pipe(target != STDIN_FILENO);
        if (!made.has_value()) return std::unexpected(made.error());
        pipes[target] = std::move(*made);
        actions.duplicate(pipes[target].theirs.descriptor(), target);
    }
    if (what_.directory_.has_value()) actions.change_directory(what_.directory_->c_str());
    if (actions.error() != 0) return std::unexpected(system_error_of(actions.error()));

    // All memory is taken before there is a process that a throw would leave behind.
    const auto arguments_of_child = arguments();
    auto variables = environment();
    std::vector<char*> environment_of_child;
    environment_of_child.reserve(variables.size() + 1);
    for (auto& one : variables) environment_of_child.push_back(one.data());
    environment_of_child.push_back(nullptr);
    auto started = std::make_unique<running>();
    // So is the descriptor, which is free again when adopt() asks for one.
    descriptor kept_free(::eventfd(0, EFD_CLOEXEC));
    if (!kept_free.is_open()) return std::unexpected(system_error_of(errno));

    const fresh_signals signals;
    ::pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, what_.program_.c_str(), actions.get(), signals.get(),
                                     arguments_of_child.data(), environment_of_child.data());
    if (error != 0) return std::unexpected(system_error_of(error));
    kept_free = descriptor();
    if (const auto failed = adopt(*started, pid)) return std::unexpected(failed);

    child made(started.release(), what_.is_killed_by_drop_);
    if (pipes[0].ours.is_open()) made.stdin_.emplace(std::move(pipes[0].ours));
    if (pipes[1].ours.is_open()) made.stdout_.emplace(std::move(pipes[1].ours));
    if (pipes[2].ours.is_open()) made.stderr_.emplace(std::move(pipes[2].ours));
    return made;
}

}  // namespace detail

std::expected<child, std::error_code> command::spawn() const { return detail::spawning(*this).run(); }

namespace {

task<output, std::error_code> output_of(command what) {
    auto started = what.spawn();
    if (!started.has_value()) co_return std::unexpected(started.error());
    co_return co_await std::move(*started).wait_with_output();
}

task<exit_status, std::error_code> status_of(command what) {
    auto started = what.spawn();
    if (!started.has_value()) co_return std::unexpected(started.error());
    static_cast<void>(started->take_stdin());
    static_cast<void>(started->take_stdout());
    static_cast<void>(started->take_stderr());
    co_return co_await started->wait();
}

}  // namespace

task<process::output, std::error_code> command::output() const {
    command what = *this;
    if (!what.stdin_.has_value()) what.stdin_ = stdio::null;
    if (!what.stdout_.has_value()) what.stdout_ = stdio::piped;
    if (!what.stderr_.has_value()) what.stderr_ = stdio::piped;
    return output_of(std::move(what));
}

task<exit_status, std::error_code> command::status() const { return status_of(*this); }

}  // namespace pollux::inline v0::process

// SPDX-License-Identifier: MIT
// `command`: what a child process is to be, said step by step, and starting it.
#pragma once

#include <expected>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "pollux/core/export.hpp"
#include "pollux/coro/task.hpp"
#include "pollux/process/child.hpp"
#include "pollux/process/exit_status.hpp"

namespace pollux::inline v0::process {

/// What a standard stream of a child process is.
enum class stdio : unsigned char {
    inherit,  ///< the parent's
    null,     ///< /dev/null
    piped,    ///< a pipe, whose other end is in the `child`
};

/// A program, its arguments and its surroundings. It may be spawned any number of times. The setters say what they set last, and
/// return the command itself: `command("grep").arg("-c").arg(word).output()`.
///
/// The child begins with no signal blocked, none ignored but the two that the C library keeps for itself (32 and 33), and with no
/// descriptor that is close-on-exec, as those of Pollux are.
/// Threads: as a value.
class POLLUX_API command {
public:
    /// `program`: a path, or a name without '/', which is looked for in this process's PATH.
    explicit command(std::string program) : program_(std::move(program)) {}

    command& arg(std::string one) {
        args_.push_back(std::move(one));
        return *this;
    }
    /// `many`: a range of what a std::string can be made of.
    template <class R>
    command& args(const R& many) {
        for (const auto& one : many) args_.emplace_back(one);
        return *this;
    }
    /// g++ 12 takes no list inside of a co_await expression ("array used as initializer"): name the command first, or use arg().
    command& args(std::initializer_list<std::string_view> many) {
        for (const auto one : many) args_.emplace_back(one);
        return *this;
    }
    /// A variable of its environment, beside those of this process.
    command& env(std::string name, std::string value) {
        variables_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    /// It gets no variable of this process, and none that was set before.
    command& clear_env() {
        has_empty_environment_ = true;
        variables_.clear();
        return *this;
    }
    /// Where it begins. A program that is given as a relative path is looked for from there.
    command& current_directory(std::string path) {
        directory_ = std::move(path);
        return *this;
    }
    /// Unless said, `spawn` and `status` inherit all three; `output` has no input, and pipes the others.
    command& stdin(stdio what) {
        stdin_ = what;
        return *this;
    }
    command& stdout(stdio what) {
        stdout_ = what;
        return *this;
    }
    command& stderr(stdio what) {
        stderr_ = what;
        return *this;
    }
    /// Whether dropping the `child` kills it: false unless said.
    command& kill_on_drop(bool is_killed) {
        is_killed_by_drop_ = is_killed;
        return *this;
    }

    /// Starts it. It runs when this returns. Needs no runtime.
    ///
    /// Errors: what the system says, of the program too (std::errc::no_such_file_or_directory, permission_denied, ...);
    /// std::errc::invalid_argument for a zero byte in a string, and for a variable without a name or with '=' in it. Throws: std::bad_alloc.
    /// Threads: any. It waits until the child has begun with the program, mostly below a millisecond.
    /// Cost: a few allocations; a descriptor and one for each pipe.
    std::expected<child, std::error_code> spawn() const;

    /// Starts it at the first poll, collects what it writes, and waits for its end.
    ///
    /// Errors: as spawn() and child::wait(); those of the pipes. Throws: when polled, no_runtime; std::bad_alloc, which the call throws, too.
    /// Cancel: what was read is lost; the process is dropped as a `child` is.
    task<process::output, std::error_code> output() const;

    /// Starts it at the first poll and waits for its end. The pipes, where some are asked for, are closed at once.
    /// Errors, Throws, Cancel: as output().
    task<exit_status, std::error_code> status() const;

private:
    friend detail::spawning;

    std::string program_;
    std::vector<std::string> args_;
    std::vector<std::pair<std::string, std::string>> variables_;
    std::optional<std::string> directory_;
    std::optional<stdio> stdin_, stdout_, stderr_;
    bool has_empty_environment_ = false;
    bool is_killed_by_drop_ = false;
};

}  // namespace pollux::inline v0::process

// SPDX-License-Identifier: MIT
// How a child process has ended, and what it has written until then.
#pragma once

#include <optional>
#include <string>

namespace pollux::inline v0::process {

/// How a process has ended: by itself, with an exit code, or by a signal.
class exit_status {
public:
    /// It has ended by itself, with 0.
    bool success() const noexcept { return !is_by_signal_ && number_ == 0; }
    /// What it gave to `exit`, from 0 to 255; none if a signal has ended it.
    std::optional<int> code() const noexcept { return is_by_signal_ ? std::nullopt : std::optional(number_); }
    /// The signal that has ended it, if one has.
    std::optional<int> signal() const noexcept { return is_by_signal_ ? std::optional(number_) : std::nullopt; }
    bool operator==(const exit_status&) const noexcept = default;

    /// For the library.
    exit_status(int number, bool is_by_signal) noexcept : number_(number), is_by_signal_(is_by_signal) {}

private:
    int number_;
    bool is_by_signal_;
};

/// How a process has ended, and all that it wrote to the streams that were piped.
struct output {
    exit_status status;
    std::string stdout;
    std::string stderr;
};

}  // namespace pollux::inline v0::process

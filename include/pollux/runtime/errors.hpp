// SPDX-License-Identifier: MIT
// What the runtime throws.
#pragma once

#include <exception>

#include "pollux/core/export.hpp"

namespace pollux::inline v0 {

/// Thrown by what needs a runtime and is used on a thread that is in none.
class POLLUX_API no_runtime : public std::exception {
public:
    /// `message` must live for ever.
    explicit no_runtime(const char* message) noexcept : message_(message) {}
    ~no_runtime() override;
    const char* what() const noexcept override;

private:
    const char* message_;
};

/// Thrown to whoever awaits a task that was aborted or that its runtime ended, and by timer, offload and blocking futures that
/// the end of their runtime left pending.
class POLLUX_API task_cancelled : public std::exception {
public:
    task_cancelled() noexcept = default;
    ~task_cancelled() override;
    const char* what() const noexcept override;
};

}  // namespace pollux::inline v0

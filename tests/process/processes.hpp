// SPDX-License-Identifier: MIT
// What the tests of child processes share.
#pragma once

#include <sys/wait.h>

#include <cerrno>
#include <string>
#include <utility>

#include "pollux/process/command.hpp"
#include "process/running.hpp"
#include "support/wait_until.hpp"

namespace pollux::test {

inline process::command shell(std::string script) { return process::command("sh").arg("-c").arg(std::move(script)); }

/// True: this process has no child, running or zombie.
inline bool has_no_child() {
    siginfo_t info = {};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

/// Until what earlier tests have dropped without a runtime is gone.
inline void until_no_child() {
    wait_until([] {
        process::detail::look_through_orphans();
        return has_no_child();
    });
}

}  // namespace pollux::test

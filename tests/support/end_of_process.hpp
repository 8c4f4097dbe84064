// SPDX-License-Identifier: MIT
// For code that has to end the process: runs it in a fork and gives what it wrote to stderr. Only for single-threaded
// tests.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>

#include "pollux/testing/poll.hpp"

namespace pollux::test {

/// What `fn` writes to stderr before it aborts; "did not abort" if it returns or ends otherwise.
template <class Fn>
std::string message_of_abort(Fn fn) {
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    const ::pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        // The test framework would report the abort.
        std::signal(SIGABRT, SIG_DFL);
        fn();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string text;
    char buffer[512];
    for (::ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? text : "did not abort: " + text;
}

/// The same of the poll of a future behind the one that is its end, by a result or an exception.
template <class F>
std::string message_of_second_poll(F fut) {
    return message_of_abort([&] {
        try {
            static_cast<void>(testing::poll_once(fut));
        } catch (const std::exception&) {}
        static_cast<void>(testing::poll_once(fut));
    });
}

}  // namespace pollux::test

// SPDX-License-Identifier: MIT
// The command line of `pollux`, and nothing else: CLI11 is parsed here, the work begins in sum.hpp.
// Exit status: 0 fine; 1 the work failed in part or whole; 2 wrong usage; 130 ended by Ctrl-C.

#include "pollux/core/version.hpp"

#include "sum.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr int status_failed = 1;
constexpr int status_usage = 2;

constexpr const char* sum_help =
    "Prints the SHA-256 of every regular file under the paths, in the byte order of their paths.\n"
    "\n"
    "Examples:\n"
    "  pollux sum /usr/include             what `find /usr/include -type f` finds, sorted, as sha256sum prints it\n"
    "  pollux sum -q . > sums              no summary; check the files later with `sha256sum -c sums`\n"
    "  pollux sum --json src 2> stats.json results on stdout, one JSON object on stderr\n"
    "  pollux sum -- -odd-name             a path that begins with a dash\n"
    "\n"
    "Exit status: 0 fine, 1 a path could not be read or the results not be written, 2 wrong usage, 130 Ctrl-C.";

// A descriptor among 0, 1, 2 that is closed would be given to the next file opened, and results or messages would then
// meet that file.
void occupy(int fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) return;
    // The lowest free number, so `fd` itself when the calls come in order. Read-only: a write fails, as it would have.
    if (::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) std::_Exit(status_failed);
}

// CLI11 takes an argument `[a,b]` for a list of two. No option and no subcommand begins with a bracket, so a guard in
// front of it is seen by nobody but the loop that takes it away again.
constexpr char bracket_guard = ':';

// The arguments, last first, as CLI::App::parse wants them.
std::vector<std::string> hide_brackets(int argc, char** argv) {
    std::vector<std::string> out;
    for (int i = argc - 1; i > 0; --i) {
        const std::string argument = argv[i];
        const bool guarded = argument.starts_with('[') || argument.starts_with(bracket_guard);
        out.push_back(guarded ? bracket_guard + argument : argument);
    }
    return out;
}

}  // namespace

int main(int argc, char** argv) {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) occupy(fd);

    CLI::App app("Pollux: futures and a work-stealing runtime, at work", "pollux");
    app.set_version_flag("--version", std::string("pollux ") + pollux::version());
    app.require_subcommand(1);

    pollux_tool::sum_options options;
    auto* sum = app.add_subcommand("sum", sum_help);
    sum->add_flag("-q,--quiet", options.is_quiet, "no progress line and no summary on stderr")->disable_flag_override();
    sum->add_flag("--json", options.is_json,
                  "the summary as one JSON object: files bytes seconds errors offloaded stolen")
        ->disable_flag_override();
    sum->add_option("PATH", options.paths, "files, or directories with all that is under them")->required();

    try {
        app.parse(hide_brackets(argc, argv));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            app.exit(error);  // prints the help or the version
            std::cout.flush();
            return std::cout ? 0 : status_failed;
        }
        std::cerr << "pollux: " << error.what() << "; see pollux sum --help\n"
                  << "usage: pollux sum [-q] [--json] PATH...\n"
                  << "       pollux --help | --version\n";
        return status_usage;
    }

    for (auto& path : options.paths) {
        if (path.starts_with(bracket_guard)) path.erase(0, 1);
    }
    try {
        return pollux_tool::sum(std::move(options));
    } catch (const std::exception& error) {
        std::cerr << "pollux: sum: " << error.what() << '\n';
        return status_failed;
    }
}

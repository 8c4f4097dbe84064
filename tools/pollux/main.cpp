// SPDX-License-Identifier: MIT
// The command line of `pollux`, and nothing else: CLI11 is parsed here, the work begins in sum.hpp, serve.hpp and bench.hpp.
// Exit status: 0 fine; 1 the work failed in part or whole; 2 wrong usage; 3 slower than a baseline; 130 ended by Ctrl-C
// (bench: 128 and the number of the signal).

#include "pollux/core/version.hpp"

#include "bench.hpp"
#include "serve.hpp"
#include "sum.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <ranges>
#include <string>
#include <system_error>
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

constexpr const char* serve_help =
    "Answers lines over TCP on 127.0.0.1 until SIGTERM or SIGINT. The first line on stdout is\n"
    "`listening on 127.0.0.1:PORT`.\n"
    "\n"
    "A request is a line, and has one line as its reply, in order; any number may be sent ahead:\n"
    "  sum <n>     and n bytes behind the line: their SHA-256, 64 hexadecimal digits\n"
    "  prime <n>   0 to 2^64-1: `prime` or `composite`\n"
    "  sleep <ms>  0 to 60000: `ok` when the time is over\n"
    "  stats       the numbers of the runtime, as one JSON object\n"
    "A bad request, or one beyond a limit, is answered `error: WHAT`, and the connection is closed.\n"
    "\n"
    "Examples:\n"
    "  pollux serve                                 on a free port, with a worker thread for each CPU\n"
    "  pollux serve --port 7000 --workers 2         then: printf 'prime 97\\nsum 2\\nhi' | nc -N 127.0.0.1 7000\n"
    "  pollux serve --connections 100 --max-body 0  few clients, empty bodies only\n"
    "\n"
    "SIGTERM: nobody is accepted any more, idle clients are closed at once, open requests get --grace to finish;\n"
    "a second one ends it without waiting.\n"
    "Exit status: 0 ended by SIGTERM or SIGINT, 1 it cannot listen or accept, 2 wrong usage.";

constexpr const char* bench_help =
    "Runs scenarios with Pollux and with the peers that are there, and compares them. All programs of a scenario run\n"
    "once unmeasured and then in rounds, another one first in each. Figures are medians over the rounds, MAD is the\n"
    "median distance from them, and a ratio is the median of the ratios inside one round.\n"
    "\n"
    "Examples:\n"
    "  pollux bench                            everything, 9 rounds; tools/bench builds and runs it\n"
    "  pollux bench --quick '^(fib|offload)$'  two scenarios, 3 rounds of small sizes: to see that it works\n"
    "  pollux bench --json before.json         and, after a change:\n"
    "  pollux bench --baseline before.json     status 3 if something has become slower\n"
    "  pollux bench --html page.html --counts  a page with plots; instructions and allocations, too\n"
    "\n"
    "What counts as slower than a baseline: the ratio to the best peer of the same version that ran in both, else the\n"
    "scenario's metric itself, is larger by more than 3 MADs of either run and 5 %; or instructions or allocations an\n"
    "operation, where both runs counted them in programs of the same compiler, are larger by 1 %. Other sizes are not "
    "compared.\n"
    "\n"
    "Exit status: 0 fine, bars met or missed; 1 a program failed or results could not be written; 2 wrong usage;\n"
    "3 slower than the baseline; 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP: whole rounds are printed and written.";

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

// The seconds of an option, in whole milliseconds and never none.
std::chrono::milliseconds as_time(double seconds) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

// CLI::Range takes "nan" for a number in it.
const CLI::Validator not_nan(
    [](const std::string& word) {
        return std::string(std::isnan(std::strtod(word.c_str(), nullptr)) ? "nan is no time" : "");
    },
    "");

void add_serve(CLI::App& serve, pollux_tool::serve_options& options) {
    constexpr double shortest = 0.001, longest = 86'400;
    constexpr std::size_t largest_body = std::size_t{1} << 40;  // -1 is taken for more
    serve.add_option("--port", options.port, "port; 0 is any that is free")
        ->check(CLI::Range(0U, 65'535U))
        ->capture_default_str();
    serve.add_option("--workers", options.workers, "worker threads; 0 is one for each CPU")
        ->check(CLI::Range(0U, 4096U))
        ->capture_default_str();
    serve
        .add_option_function<std::size_t>(
            "--connections", [&options](std::size_t most) { options.connections = most; },
            "clients at once; more are told so [20000, or the limit of descriptors less 64 if that is smaller]")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
    serve.add_option("--max-body", options.max_body, "bytes of a body")
        ->check(CLI::Range(std::size_t{0}, largest_body))
        ->capture_default_str();
    serve.add_option("--max-line", options.max_line, "bytes of a line")
        ->check(CLI::Range(std::size_t{16}, std::size_t{16'384}))
        ->capture_default_str();
    serve
        .add_option_function<double>(
            "--idle", [&options](double seconds) { options.idle = as_time(seconds); },
            "seconds that a client may let the server wait for bytes, or for room for a reply [60]")
        ->check(CLI::Range(shortest, longest))
        ->check(not_nan);
    serve
        .add_option_function<double>(
            "--grace", [&options](double seconds) { options.grace = as_time(seconds); },
            "seconds that open requests may take after SIGTERM; then they are cut off [10]")
        ->check(CLI::Range(0.0, longest))
        ->check(not_nan);
}

// An empty name, of a variable that is not set, say, would be taken for no option at all.
const CLI::Validator named([](const std::string& word) { return std::string(word.empty() ? "an empty name" : ""); },
                           "");

// Of a list like 1,2,4. Not CLI11's delimiter, which takes 1,,2 for 1,2.
std::vector<std::size_t> worker_counts(const std::string& list) {
    constexpr std::size_t most = 4096;
    std::vector<std::size_t> out;
    for (const auto part : std::views::split(list, ',')) {
        const std::string word(part.begin(), part.end());
        std::size_t count = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), count);
        if (error != std::errc() || end != word.data() + word.size() || count == 0 || count > most)
            throw CLI::ValidationError("--workers",
                                       "`" + list + "`: not numbers from 1 to 4096 with a comma between them");
        out.push_back(count);
    }
    if (out.empty()) throw CLI::ValidationError("--workers", "an empty list");
    return out;
}

// The default number of rounds depends on --quick.
constexpr std::size_t normal_rounds = 9, quick_rounds = 3;

void add_bench(CLI::App& bench, pollux_tool::bench::bench_options& options) {
    bench.add_option("REGEX", options.filter, "scenarios whose names it finds; none: all");
    bench
        .add_flag("--list", options.is_list,
                  "only the names and titles of the scenarios, and below each its programs, one a line")
        ->disable_flag_override();
    bench.add_flag("--quick", options.is_quick, "small sizes and 3 rounds; bars on times are not judged")
        ->disable_flag_override();
    bench.add_option("--rounds", options.rounds, "rounds [9, or 3 if --quick]")
        ->check(CLI::Range(std::size_t{1}, std::size_t{1000}));
    bench
        .add_option_function<std::vector<std::string>>(
            "--workers",
            [&options](const std::vector<std::string>& lists) {
                for (const auto& list : lists) {
                    for (const auto count : worker_counts(list)) options.workers.push_back(count);
                }
            },
            "numbers of workers, as in 1,2 [1, 2, 4 ... and all CPUs]")
        ->allow_extra_args(false);
    bench.add_flag("--counts", options.is_counting, "instructions (valgrind) and allocations an operation, too")
        ->disable_flag_override();
    bench.add_option("--json", options.json, "file for all samples")->check(named);
    bench.add_option("--markdown", options.markdown, "file for the tables")->check(named);
    bench.add_option("--html", options.html, "file for one page with plots, tables and samples")->check(named);
    bench.add_option("--baseline", options.baseline, "compare with this file of an earlier --json")->check(named);
    bench.add_option("--programs", options.programs, "folder of the programs and of scenarios/")->capture_default_str();
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

    pollux_tool::serve_options serve_options;
    auto* serve = app.add_subcommand("serve", serve_help);
    add_serve(*serve, serve_options);

    pollux_tool::bench::bench_options bench_options;
    bench_options.programs = POLLUX_BENCH_PROGRAMS;
    bench_options.build = POLLUX_BENCH_BUILD;
    auto* bench = app.add_subcommand("bench", bench_help);
    add_bench(*bench, bench_options);

    try {
        app.parse(hide_brackets(argc, argv));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) {
            app.exit(error);  // prints the help or the version
            std::cout.flush();
            return std::cout ? 0 : status_failed;
        }
        const auto chosen = app.get_subcommands();
        std::cerr << "pollux: " << error.what() << "; see pollux "
                  << (chosen.empty() ? "" : chosen.front()->get_name() + " ") << "--help\n"
                  << "usage: pollux sum [-q] [--json] PATH...\n"
                  << "       pollux serve [--port PORT] [--workers N] [--connections N] [--max-body BYTES]\n"
                  << "                    [--max-line BYTES] [--idle SECONDS] [--grace SECONDS]\n"
                  << "       pollux bench [--list] [--quick] [--rounds N] [--workers N,...] [--counts] [--json FILE]\n"
                  << "                    [--markdown FILE] [--html FILE] [--baseline FILE] [--programs DIR] [REGEX]\n"
                  << "       pollux --help | --version\n";
        return status_usage;
    }

    const auto unguard = [](std::string& word) {
        if (word.starts_with(bracket_guard)) word.erase(0, 1);
    };
    for (auto& path : options.paths) unguard(path);
    for (auto* word : {&bench_options.filter, &bench_options.json, &bench_options.markdown, &bench_options.html,
                       &bench_options.baseline, &bench_options.programs})
        unguard(*word);
    if (bench_options.programs != POLLUX_BENCH_PROGRAMS)
        bench_options.build.clear();  // by whom those were built is not known
    if (bench_options.rounds == 0) bench_options.rounds = bench_options.is_quick ? quick_rounds : normal_rounds;
    try {
        if (serve->parsed()) return pollux_tool::serve(serve_options);
        if (bench->parsed()) return pollux_tool::bench::run(bench_options);
        return pollux_tool::sum(std::move(options));
    } catch (const pollux_tool::bench::input_error& error) {
        std::cerr << "pollux: bench: " << error.what() << '\n';
        return status_usage;
    } catch (const std::exception& error) {
        std::cerr << "pollux: " << app.get_subcommands().front()->get_name() << ": " << error.what() << '\n';
        return status_failed;
    }
}

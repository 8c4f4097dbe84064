// SPDX-License-Identifier: MIT
// The order of `pollux bench`: all that can be refused is refused first, then the scenarios one after the other, then files
// and baseline.

#include "bench.hpp"

#include "bench_baseline.hpp"
#include "bench_counts.hpp"
#include "bench_html.hpp"
#include "bench_machine.hpp"
#include "bench_results_json.hpp"
#include "bench_runner.hpp"
#include "bench_table.hpp"
#include "descriptor.hpp"
#include "terminal.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace pollux_tool::bench {

namespace {

constexpr int status_failed = 1;
constexpr int status_worse = 3;
constexpr int status_signalled = 128;  // and the number of the signal, as a shell has it

// A file of results: opened before the run, so that an hour's work is not lost to a bad name, and written after it. What was
// in it stays until then; one that this run has made goes again if nothing is written.
class result_file {
public:
    explicit result_file(std::string path) : path_(std::move(path)) {
        if (path_.empty()) return;
        file_ = descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
        is_new_ = static_cast<bool>(file_);
        if (!file_ && errno == EEXIST) file_ = descriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
        if (!file_)
            throw input_error(fmt::format("{}: cannot be written: {}", path_, std::generic_category().message(errno)));
    }
    result_file(const result_file&) = delete;
    result_file& operator=(const result_file&) = delete;
    ~result_file() {
        if (is_new_) ::unlink(path_.c_str());
    }

    bool is_wanted() const { return !path_.empty(); }

    // Says so on stderr if it cannot be.
    bool write(std::string_view text) {
        is_new_ = false;
        static_cast<void>(::ftruncate(file_.get(), 0) == 0);  // a pipe has no length
        const auto error = write_all(file_.get(), text);
        if (error) write_stderr(fmt::format("pollux: bench: {}: cannot be written: {}\n", path_, error.message()));
        return !error;
    }

private:
    std::string path_;
    descriptor file_;
    bool is_new_ = false;  // made by this run, and still empty
};

text_style stdout_style() {
    const bool is_coloured = is_able_terminal(STDOUT_FILENO) && !is_colour_refused();
    return is_coloured ? text_style::coloured : text_style::plain;
}

int print_list(const std::vector<planned_scenario>& planned) {
    std::size_t width = 0;
    for (const auto& it : planned) width = std::max(width, it.what.name.size());
    std::string out;
    for (const auto& it : planned) {
        out += fmt::format("{:<{}}  {}\n", it.what.name, width, it.what.title);
        if (it.programs.empty()) out += "  (no program of it is there)\n";
        for (const auto& program : it.programs) out += fmt::format("  {}\n", program);
    }
    const auto error = write_all(STDOUT_FILENO, out);
    if (!error) return 0;
    write_stderr(fmt::format("pollux: bench: writing the list to stdout: {}; it needs a stdout that takes all of it\n",
                             error.message()));
    return status_failed;
}

void look_up_versions(std::vector<planned_scenario>& planned, const interrupt_guard& guard) {
    std::set<std::string> packages;
    for (const auto& it : planned) {
        for (const auto& run : it.runs) {
            if (!run.package.empty()) packages.insert(run.package);
        }
    }
    const auto versions = package_versions(packages, guard);
    for (auto& it : planned) {
        for (auto& run : it.runs) {
            if (const auto found = versions.find(run.package); found != versions.end()) {
                run.version = fmt::format("{} {}", run.package, found->second);
            }
        }
    }
}

// So that a comparison that compares nothing does not pass.
void check_baseline(const results& before, const std::vector<planned_scenario>& planned, const std::string& file) {
    for (const auto& it : planned) {
        for (const auto& run : it.runs) {
            for (const auto& old : before.scenarios) {
                if (old.name != it.what.name || old.metric != it.what.metric || !is_held_to_baseline(run.program))
                    continue;
                const auto* found = find_series(old, run.program, run.workers);
                if (found != nullptr && found->size == run.size) return;
            }
        }
    }
    throw input_error(
        fmt::format("{}: no scenario of it is to be run now with the same size and number of workers", file));
}

void refuse_one_file_for_two(const bench_options& options) {
    for (const auto& [one, other] :
         {std::pair(&options.json, &options.markdown), std::pair(&options.json, &options.html),
          std::pair(&options.markdown, &options.html)}) {
        if (!one->empty() && *one == *other)
            throw input_error(fmt::format("{}: one file for two kinds of results", *one));
    }
}

class bench_run {
public:
    explicit bench_run(const bench_options& options)
        : options_(options), json_(options.json), markdown_(options.markdown), html_(options.html) {}

    int operator()(std::vector<planned_scenario> planned, const std::optional<results>& before) {
        int signal = 0;  // that has interrupted it
        try {
            const interrupt_guard guard;
            all_.date = utc_date();
            all_.rounds = options_.rounds;
            all_.is_quick = options_.is_quick;
            all_.machine = machine_facts(options_);
            for (const auto& it : planned) {
                for (const auto& missing : it.missing)
                    progress_.note(fmt::format("{}: left out, it is not there: {}", it.what.name, missing));
                if (it.runs.empty() && !it.programs.empty())
                    progress_.note(
                        fmt::format("{}: left out, it does not run with the workers asked for", it.what.name));
            }
            if (options_.is_counting) look_for_counter(guard);
            look_up_versions(planned, guard);
            name_versions(planned);
            say(heading_text(all_, style_));
            for (const auto& it : planned) {
                if (it.runs.empty()) continue;
                if (!is_said_ && !is_a_file_wanted()) return status_failed;  // nobody would see what it gave
                measure(it, options_, guard, progress_, all_);
                if (options_.is_counting) count(it, options_, guard, progress_, all_);
                say_scenario();
            }
        } catch (const interrupted& why) {
            all_.is_interrupted = true;
            signal = why.signal();
        }
        // Nothing has been measured: what was in the files is worth more.
        const bool has_samples = std::any_of(all_.scenarios.begin(), all_.scenarios.end(),
                                             [](const scenario_results& it) { return !it.all.empty(); });
        const bool is_written = (all_.is_interrupted && !has_samples) || write_files();
        if (all_.is_interrupted) {
            say_interrupted(planned.size());
            return status_signalled + signal;
        }
        bool is_worse = false;
        if (before) {
            const auto compared = compare(*before, all_);
            is_worse =
                std::any_of(compared.begin(), compared.end(), [](const comparison& it) { return it.is_worse(); });
            say(comparison_text(compared, *before, all_, options_.baseline));
        }
        if (!all_.failures.empty() || !is_written || !is_said_) return status_failed;
        return is_worse ? status_worse : 0;
    }

private:
    void name_versions(const std::vector<planned_scenario>& planned) {
        std::set<std::string> versions;
        for (const auto& it : planned) {
            for (const auto& run : it.runs) {
                if (!run.version.empty()) versions.insert(run.version);
            }
        }
        for (const auto& it : versions) all_.machine.emplace_back("peer", it);
    }

    bool is_a_file_wanted() const { return json_.is_wanted() || markdown_.is_wanted() || html_.is_wanted(); }

    // After an error nothing more: tables with a hole would be taken for whole ones, and one message is enough.
    void say(const std::string& text) {
        if (!is_said_) return;
        progress_.erase();
        const auto error = write_all(STDOUT_FILENO, text);
        if (!error) return;
        is_said_ = false;
        progress_.note(fmt::format(
            "writing the tables to stdout: {}; {}", error.message(),
            is_a_file_wanted() ? "the files that were asked for are still written, with all of it"
                               : "the run ends here, as no file was asked for by --json, --markdown or --html"));
    }

    void say_scenario() {
        said_ = all_.scenarios.size();
        say(scenario_text(all_.scenarios.back(), options_.is_quick, style_));
    }

    bool write_files() {
        progress_.erase();
        bool out = true;
        if (json_.is_wanted()) out = json_.write(to_text(to_json(all_))) && out;
        if (markdown_.is_wanted()) out = markdown_.write(markdown(all_)) && out;
        if (html_.is_wanted()) out = html_.write(html(all_)) && out;
        return out;
    }

    void say_interrupted(std::size_t planned) {
        const auto whole = said_;
        std::size_t rounds = 0;
        if (whole != all_.scenarios.size()) {
            rounds = all_.scenarios.back().others_cpus.size();
            if (rounds != 0) say_scenario();
        }
        progress_.note(fmt::format("interrupted: {} of {} scenarios measured{}", whole, planned,
                                   rounds == 0 ? ""
                                               : fmt::format(", and {} of {} rounds of {}", rounds, options_.rounds,
                                                             all_.scenarios.back().name)));
    }

    const bench_options& options_;
    result_file json_;
    result_file markdown_;
    result_file html_;
    progress_report progress_;
    const text_style style_ = stdout_style();
    results all_;
    std::size_t said_ = 0;  // scenarios that have been printed
    bool is_said_ = true;   // stdout took everything
};

}  // namespace

int run(const bench_options& options) {
    // A reader of stdout or stderr that goes away is an error of the write, so that the files are written all the same.
    std::signal(SIGPIPE, SIG_IGN);
    auto planned = plan(load_scenarios(options.programs), options);
    if (options.is_list) return print_list(planned);
    std::optional<results> before;
    if (!options.baseline.empty()) {
        before = from_json(read_json(options.baseline), options.baseline);
        check_baseline(*before, planned, options.baseline);
    }
    const auto all_have_no = [&planned](const auto& list) {
        return std::all_of(planned.begin(), planned.end(),
                           [&](const planned_scenario& it) { return (it.*list).empty(); });
    };
    if (all_have_no(&planned_scenario::programs)) {
        throw input_error(fmt::format(
            "{}: none of the programs is there; build them with tools/bench, or name their folder by --programs",
            options.programs));
    }
    if (all_have_no(&planned_scenario::runs))
        throw input_error("--workers: no scenario runs with these numbers of workers");
    refuse_one_file_for_two(options);
    return bench_run(options)(std::move(planned), before);
}

}  // namespace pollux_tool::bench

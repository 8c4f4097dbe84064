// SPDX-License-Identifier: MIT
// The pipeline of `pollux sum`, on Pollux:
//
//   group_stream                    a stream; each item is found by a job on `blocking` that walks directories
//     -> one spawned task a group   load_files on `blocking`, hash_files on `offload`, until the group is done
//     -> buffered                   a few groups at once, results in the order of the paths
//     -> print_all                  a job on `blocking` writes each group's lines
//
// The main thread waits for print_all or for Ctrl-C, whichever comes first; dropping the pipeline cancels what is left.
// Every job owns what it uses (the state by shared_ptr): it may outlive its future by the read it is in.
//
// Memory: groups_in_flight groups, each a buffer of 1 MiB (two while it is in a large file) and the text of its paths.
// Nothing blocks a worker or the main thread: a stuffed pipe behind stdout or stderr leaves Ctrl-C working.

#include "sum.hpp"

#include "pollux/core.hpp"
#include "pollux/coro.hpp"
#include "pollux/future.hpp"
#include "pollux/offload.hpp"
#include "pollux/runtime.hpp"
#include "pollux/signal.hpp"
#include "pollux/stream.hpp"
#include "pollux/time.hpp"

#include "file_group.hpp"
#include "path_walk.hpp"
#include "progress.hpp"
#include "spare_buffers.hpp"
#include "terminal.hpp"

#include <fmt/core.h>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <system_error>
#include <utility>
#include <variant>

namespace pollux_tool {

namespace {

// Enough that both pools have work on a few cores while one group waits for the disk. A guess; each costs about 1 MiB.
constexpr std::size_t groups_in_flight = 8;

// How long the summary may take after Ctrl-C, where stderr may be a pipe that nobody reads: well within the promised
// second.
constexpr auto last_words = std::chrono::milliseconds(300);

constexpr int status_failed = 1;
constexpr int status_interrupted = 130;

// Shared by everything that runs. The main thread makes it.
struct sum_state {
    explicit sum_state(const sum_options& options) : line(!options.is_quiet) {}

    progress line;
    spare_buffers buffers;
    // Counters for the summary. Relaxed: at the ordinary end whoever counted has been awaited, and after Ctrl-C a job
    // that is still under way may be counted or not.
    std::atomic<std::uint64_t> offloaded = 0;  // jobs handed to `offload`
    std::atomic<std::uint64_t> files = 0;
    std::atomic<std::uint64_t> bytes = 0;
    std::atomic<std::uint64_t> errors = 0;
};

void count(std::atomic<std::uint64_t>& counter, std::uint64_t more) {
    counter.fetch_add(more, std::memory_order::relaxed);  // see sum_state
}

std::uint64_t count_of(const std::atomic<std::uint64_t>& counter) {
    return counter.load(std::memory_order::relaxed);  // see sum_state
}

using shared_state = std::shared_ptr<sum_state>;
using shared_group = std::shared_ptr<const path_group>;

// ------------------------------------------------------------------------------------------------------------------
// A file larger than a buffer

struct hashed_piece {
    std::unique_ptr<sha256_hasher> hasher;
    byte_buffer buffer;
};

struct read_piece {
    descriptor file;
    byte_buffer buffer;
    std::expected<std::size_t, std::error_code> bytes;
};

struct large_file_result {
    std::uint64_t bytes = 0;
    std::expected<sha256_digest, std::error_code> digest;
};

// The next piece is read while the one before it is hashed: two buffers change places.
pollux::task<large_file_result> hash_large_file(shared_state state, descriptor file, byte_buffer first) {
    large_file_result out;
    auto hasher = std::make_unique<sha256_hasher>();
    auto full = std::move(first);
    auto empty = state->buffers.take();
    std::size_t filled = buffer_bytes;
    while (filled > 0) {
        auto hash = [state, hasher = std::move(hasher), full = std::move(full), filled]() mutable {
            hasher->update({full.get(), filled});
            state->line.add_bytes(filled);
            return hashed_piece{std::move(hasher), std::move(full)};
        };
        auto read = [file = std::move(file), empty = std::move(empty)]() mutable {
            auto bytes = read_full(file, {empty.get(), buffer_bytes});
            return read_piece{std::move(file), std::move(empty), bytes};
        };
        out.bytes += filled;
        count(state->offloaded, 1);
        auto hashing = pollux::offload(std::move(hash));
        auto reading = pollux::blocking(std::move(read));
        auto both = pollux::join(std::move(hashing), std::move(reading));
        auto [hashed, next] = co_await std::move(both);
        if (!next.bytes) {
            out.digest = std::unexpected(next.bytes.error());
            co_return out;
        }
        filled = *next.bytes;
        hasher = std::move(hashed.hasher);
        file = std::move(next.file);
        full = std::move(next.buffer);
        empty = std::move(hashed.buffer);
    }
    state->buffers.give(std::move(full));
    state->buffers.give(std::move(empty));
    out.digest = hasher->finish();
    co_return out;
}

// ------------------------------------------------------------------------------------------------------------------
// A group of files

struct hashed_group {
    group_result result;
    byte_buffer buffer;
};

pollux::task<group_result> sum_group(shared_state state, shared_group group) {
    group_result result;
    byte_buffer buffer;
    std::size_t done = 0;
    while (done < group->size()) {
        if (!buffer) buffer = state->buffers.take();
        auto load = [group, done, buffer = std::move(buffer)](std::stop_token stop) mutable {
            return load_files(*group, done, std::move(buffer), stop);
        };
        auto loading = pollux::blocking(std::move(load));
        auto loaded = co_await std::move(loading);
        const auto pieces = loaded.pieces.size();
        if (loaded.unfinished) {
            auto whole = hash_large_file(state, *std::move(loaded.unfinished), std::move(loaded.buffer));
            auto large = co_await std::move(whole);
            if (large.digest) {
                result.add_file((*group)[done], *large.digest, large.bytes);
            } else {
                result.add_failure((*group)[done], large.digest.error());
            }
        } else {
            auto hash = [state, group, done, loaded = std::move(loaded), result = std::move(result)]() mutable {
                const auto before = result.bytes;
                hash_files(*group, done, loaded, result);
                state->line.add_bytes(result.bytes - before);
                return hashed_group{std::move(result), std::move(loaded.buffer)};
            };
            count(state->offloaded, 1);
            auto hashing = pollux::offload(std::move(hash));
            auto hashed = co_await std::move(hashing);
            result = std::move(hashed.result);
            buffer = std::move(hashed.buffer);
        }
        done += pieces;
    }
    state->buffers.give(std::move(buffer));
    co_return result;
}

// ------------------------------------------------------------------------------------------------------------------
// The stream of groups

// Walks on by one group. The walk is touched by one such job at a time: the next is made when this one is done.
struct walk_job {
    std::shared_ptr<path_walk> walk;

    path_group operator()(std::stop_token stop) const { return take_group(*walk, stop); }
};

// A stream of tasks at work, one a group, in the order of their paths. It is polled in place and not moved after that.
class [[nodiscard]] group_stream {
public:
    using value_type = pollux::join_handle<group_result>;
    using error_type = pollux::never;

    group_stream(shared_state state, std::vector<std::string> roots)
        : state_(std::move(state)), walk_(std::make_shared<path_walk>(std::move(roots))) {}

    pollux::polled<std::optional<value_type>> poll_next(pollux::context& cx) {
        if (!step_) step_.emplace(pollux::blocking(walk_job{walk_}));
        auto polled = step_->poll(cx);
        if (polled.is_pending()) return pollux::pending;
        auto group = std::make_shared<const path_group>(polled.take());
        step_.reset();
        if (group->empty()) return std::optional<value_type>();
        return std::optional(pollux::spawn(sum_group(state_, std::move(group))));
    }

private:
    shared_state state_;
    std::shared_ptr<path_walk> walk_;
    std::optional<decltype(pollux::blocking(std::declval<walk_job>()))> step_;
};

// ------------------------------------------------------------------------------------------------------------------
// Output

std::error_code print_group(sum_state& state, const group_result& group) {
    for (const auto& failure : group.failures) state.line.print_line(failure);
    count(state.errors, group.failures.size());
    if (group.lines.empty()) return {};
    state.line.erase();
    if (const auto error = write_all(STDOUT_FILENO, group.lines)) return error;
    count(state.files, group.files);
    count(state.bytes, group.bytes);
    state.line.add_files(group.files);
    return {};
}

// The whole pipeline. Ends at the first error of stdout, with it.
pollux::task<std::error_code> print_all(shared_state state, std::vector<std::string> roots) {
    auto results = pollux::buffered(group_stream(state, std::move(roots)), groups_in_flight);
    while (auto group = co_await pollux::next(results)) {
        auto print = [state, group = *std::move(group)] { return print_group(*state, group); };
        auto printing = pollux::blocking(std::move(print));
        const auto error = co_await std::move(printing);
        if (error) co_return error;
    }
    co_return std::error_code();
}

// Without the progress line, and with a summary if one is wanted.
void print_end(sum_state& state, const sum_options& options, std::uint64_t stolen) {
    state.line.erase();
    if (options.is_quiet) return;
    const auto seconds = state.line.elapsed().count();
    const auto bytes = static_cast<double>(count_of(state.bytes));
    if (options.is_json) {
        state.line.print_line(
            fmt::format(R"({{"files":{},"bytes":{},"seconds":{:.6f},"errors":{},"offloaded":{},"stolen":{}}})",
                        count_of(state.files), count_of(state.bytes), seconds, count_of(state.errors),
                        count_of(state.offloaded), stolen));
    } else {
        state.line.print_line(
            fmt::format("pollux: {} files, {} in {:.2f} s ({}/s), {} errors; {} jobs offloaded, {} tasks stolen",
                        count_of(state.files), readable_bytes(bytes), seconds, readable_bytes(bytes / seconds),
                        count_of(state.errors), count_of(state.offloaded), stolen));
    }
}

// As a program that does not care about SIGPIPE ends, sha256sum for one, so that a shell sees what it is used to. Comes
// back if the signal was ignored when we were started.
void end_by_broken_pipe(const struct sigaction& original) {
    ::sigaction(SIGPIPE, &original, nullptr);
    ::raise(SIGPIPE);
}

}  // namespace

int sum(sum_options options) {
    // Writing to a pipe that nobody reads becomes an error of that write: the progress line is erased first.
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    struct sigaction original{};
    ::sigaction(SIGPIPE, &ignore, &original);

    // Also where SIGINT was ignored when we were started, as a shell script's `command &` is: whoever sends it to this process means it.
    auto control_c = pollux::signal::on(SIGINT);
    const auto state = std::make_shared<sum_state>(options);
    // Who sums files can do nothing about a poll that a busy machine makes long; the line would stand in the middle of the progress.
    pollux::runtime runtime({.on_long_poll = [](const pollux::long_poll&) {}});

    auto first = runtime.block_on(pollux::select(print_all(state, std::move(options.paths)), pollux::next(control_c)));
    const auto stolen = runtime.metrics().stolen_tasks;
    if (first.index() == 1) {
        // A job may be under way that never ends: a write that nobody reads, a read from a disk that does not answer.
        // So the last words have a limit, and ~runtime, which waits for such jobs, is left out. Nothing is lost with
        // them.
        auto say = [state, options, stolen] { print_end(*state, options, stolen); };
        auto saying = pollux::blocking(std::move(say));
        runtime.block_on(pollux::select(std::move(saying), pollux::sleep_for(last_words)));
        std::_Exit(status_interrupted);
    }

    const auto output_error = std::get<0>(first);
    if (output_error == std::errc::broken_pipe || output_error == std::errc::bad_file_descriptor) {
        state->line.erase();
        if (output_error == std::errc::broken_pipe) end_by_broken_pipe(original);
        return status_failed;
    }
    if (output_error) {
        state->line.print_line(
            fmt::format("pollux: sum: writing the results: {}; the list is incomplete", reason_of(output_error)));
        return status_failed;
    }
    print_end(*state, options, stolen);
    return count_of(state->errors) > 0 ? status_failed : 0;
}

}  // namespace pollux_tool

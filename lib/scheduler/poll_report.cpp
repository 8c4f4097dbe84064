// SPDX-License-Identifier: MIT
#include "scheduler/poll_report.hpp"

#include <dlfcn.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <source_location>

#include "pollux/coro/frame.hpp"

namespace pollux::inline v0::detail {

namespace {

unsigned long long number_of(task_id id) noexcept { return id.value; }

long long milliseconds(std::chrono::nanoseconds time) noexcept {
    return static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

// The innermost frames of a chain; more would fill the screen.
constexpr std::size_t most_frames = 16;

// A frame begins with the address of the function that resumes it.
void print_frame(void* frame) noexcept {
    void* resumes;
    std::memcpy(&resumes, frame, sizeof resumes);
    ::Dl_info found{};
    if (::dladdr(resumes, &found) == 0 || found.dli_fname == nullptr) {
        std::fprintf(stderr, "pollux:   in a frame that %p resumes\n", resumes);
        return;
    }
    const auto offset = reinterpret_cast<std::uintptr_t>(resumes) - reinterpret_cast<std::uintptr_t>(found.dli_fbase);
    std::fprintf(stderr, "pollux:   in %s+0x%zx%s%s%s\n", found.dli_fname, static_cast<std::size_t>(offset),
                 found.dli_sname != nullptr ? " (" : "", found.dli_sname != nullptr ? found.dli_sname : "",
                 found.dli_sname != nullptr ? ")" : "");
}

void print_chain(promise_base& root) noexcept {
    if (root.innermost == nullptr) return;
    std::array<void*, most_frames> frames{};
    std::size_t count = 0;
    for (void* frame = root.innermost->frame; frame != nullptr; ++count) {
        if (count < most_frames) frames[count] = frame;
        const promise_base& promise = promise_at(frame);
        if (promise.kind() == frame_kind::awaited)
            frame = reinterpret_cast<promise_base*>(promise.up_pointer())->frame();
        else if (promise.kind() == frame_kind::awaited_point)
            frame = reinterpret_cast<suspension_point*>(promise.up_pointer())->frame;
        else
            frame = nullptr;
    }
    if (count > most_frames) std::fprintf(stderr, "pollux:   in %zu frames, and then\n", count - most_frames);
    for (std::size_t i = count < most_frames ? count : most_frames; i != 0; --i) print_frame(frames[i - 1]);
}

}  // namespace

void print_long_poll(const long_poll& what, unsigned long left_out) noexcept {
    char site[256] = "";
    if (what.spawned_at.file_name()[0] != '\0')
        std::snprintf(site, sizeof site, " (spawned at %s:%u)", what.spawned_at.file_name(),
                      static_cast<unsigned>(what.spawned_at.line()));
    char others[64] = "";
    if (left_out != 0) std::snprintf(others, sizeof others, "; %lu more reports were left out before", left_out);
    std::fprintf(stderr,
                 "pollux: task %llu%s: its poll has been running for %lld ms and holds up a worker; use offload(), "
                 "blocking() or "
                 "block_in_place() for long work%s\n",
                 number_of(what.task), site, milliseconds(what.so_far), others);
}

void report_end_of_poll(task_id task, std::chrono::nanoseconds took, promise_base* waiting) noexcept {
    std::fprintf(stderr, "pollux: task %llu: that poll took %lld ms%s\n", number_of(task), milliseconds(took),
                 waiting != nullptr ? "; the task waits" : "");
    if (waiting != nullptr) print_chain(*waiting);
}

}  // namespace pollux::inline v0::detail

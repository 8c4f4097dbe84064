// SPDX-License-Identifier: MIT
// What a blocking_descriptor works on: the descriptor, its buffers, and the one job that may be under way. It is counted: the
// handle, the job's closure and the waker that the job wakes each have a share, so that a job may outlive the handle, and
// the descriptor is closed once, by the last of them.
//
// The job wakes no task but wake(), which notes that it has ended and wakes the latest waker of the reading and of the writing
// side: after a split both may wait for one job. That note, not the job, is what polls look at, so:
//   a job that was started is woken for exactly once, and it is over for us only after that: no wake-up comes late, into the
//   time of the next job;
//   a handle that leaves while a write is under way lets it go on (`left`): wake() lets go of the job then.
//
// Who touches what: the job has `ahead_`, `writing_`, `call_` and the results from start() to wake(); whoever polls has them
// otherwise. What both use meanwhile is under the lock. No call of the system, no waker and no user's code runs under it.
//
// Through io_uring (descriptor_ring.cpp): an operation takes the place of the job of a read or a write, with a share of its own; what
// follows it in a write is started where it ends, by whoever serves the driver. All else is the same, so below a job may be one of these.
//
// Reading: a job reads into `ahead_`, and polls hand out from there. Who writes, or moves the position, gives the rest back first.
// Writing: a poll puts bytes into `waiting_` and starts a job if none runs; the job takes what waits until nothing does. So
//   many small writes make few jobs. Its error is kept in `write_error_` for the next operation of any kind.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "driver/ring_driver.hpp"
#include "io/input_wait.hpp"
#include "io/system_calls.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/io/detail/blocking_descriptor.hpp"
#include "pollux/io/span.hpp"
#include "pollux/offload/job.hpp"

namespace pollux::inline v0::io::detail {

class descriptor_core {
public:
    // Read ahead, or waiting to be written, at most. A guess: at 64 KiB a job costs little beside its copies, and a thousand open
    // files hold 64 MB if all of them are read.
    static constexpr std::size_t buffer_bytes = 64 * 1024;

    descriptor_core(int fd, descriptor_traits traits) noexcept
        : fd_(fd), traits_(traits), transfer_{{&part_done}, this} {}
    descriptor_core(const descriptor_core&) = delete;
    descriptor_core& operator=(const descriptor_core&) = delete;

    // Of the handle.
    polled<std::size_t, std::error_code> poll_read(context& cx, span to);
    polled<std::size_t, std::error_code> poll_write(context& cx, const_span bytes);
    polled<void, std::error_code> poll_flush(context& cx);
    polled<void, std::error_code> poll_call(context& cx, descriptor_call& what);
    void leave() noexcept;
    int native_handle() const noexcept { return fd_; }

private:
    enum class act : std::uint8_t { read, write, call };
    enum class progress : std::uint8_t { running, over, left };

    class share {
    public:
        explicit share(descriptor_core& of) noexcept : of_(&of) { of.add_owner(); }
        share(share&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        share& operator=(share&&) = delete;
        ~share() {
            if (of_ != nullptr) of_->drop_owner();
        }
        descriptor_core* operator->() const noexcept { return of_; }

    private:
        descriptor_core* of_;
    };
    struct transfer : pollux::detail::ring_operation {
        descriptor_core* of;
    };
    struct job {
        share of;
        void operator()() noexcept { of->run(); }
    };
    using job_future = pollux::detail::job_future<job, pollux::detail::job_pool_kind::blocking>;

    ~descriptor_core();

    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // whoever adds one is one
    void drop_owner() noexcept;
    waker own_waker() noexcept;
    void wake() noexcept;

    // Of whoever polls.
    bool is_settled(context& cx, waker& side);
    std::error_code start(context& cx, act what);
    void prepare_read(context& cx);
    void end_job();
    void conclude() noexcept;
    bool has_room() noexcept;
    std::size_t put(const_span bytes);
    std::size_t hand_out(span to) noexcept;

    // Of the job.
    void run() noexcept;
    void run_read() noexcept;
    void run_write() noexcept;
    std::error_code give_back() noexcept;
    bool take_waiting() noexcept;

    // Through io_uring.
    pollux::detail::ring_driver* ring_of(context& cx) const;
    void start_transfer(pollux::detail::ring_driver& ring) noexcept;
    bool start_part() noexcept;
    bool goes_on() noexcept;
    bool goes_on_after(int result) noexcept;
    bool is_to_be_repeated(int result) noexcept;
    void settle_position(int result) noexcept;
    static void part_done(pollux::detail::ring_operation& self, int result, unsigned flags) noexcept;
    void end_transfer() noexcept;
    void leave_transfer() noexcept;

    static const pollux::detail::waker_table waker_table_;

    const int fd_;
    const descriptor_traits traits_;
    std::atomic<std::uint32_t> owners_{1};
    pollux::detail::short_lock lock_;

    // Guarded by the lock.
    progress progress_ = progress::over;
    bool takes_more_ = false;                      // the job that writes will look into `waiting_` once more
    bool is_left_ = false;                         // by the handle
    pollux::detail::ring_driver* ring_ = nullptr;  // that transfer_ is under way in
    waker reader_;
    waker writer_;
    std::string waiting_;  // to be written

    // Of whoever polls.
    std::optional<job_future> job_;  // at its end also of wake(): see `left`
    act act_ = act::read;
    bool is_busy_ = false;       // with a job that was not seen to end
    bool has_result_ = false;    // of a job that was
    std::uint64_t started_ = 0;  // calls so far
    std::error_code write_error_;

    // Of the job while one runs, else of whoever polls.
    std::unique_ptr<char[]> ahead_;
    std::size_t ahead_begin_ = 0;
    std::size_t ahead_end_ = 0;
    std::size_t wanted_ = 0;  // by the read
    std::size_t to_give_back_ = 0;
    std::string writing_;
    std::size_t written_ = 0;  // of it, through the ring
    off_t position_ = 0;       // before the part that is under way, where there is one
    bool has_faulted_ = false;
    transfer transfer_;
    descriptor_call call_{};
    std::error_code result_;
    // Of inputs.
    std::unique_ptr<stop_event> left_;           // for ever: set when the handle goes
    std::shared_ptr<stop_event> runtime_ended_;  // of the runtime that the job is of
};

}  // namespace pollux::inline v0::io::detail

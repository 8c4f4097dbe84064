// SPDX-License-Identifier: MIT
// See descriptor_core.hpp.
#include "io/descriptor_core.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "pollux/core/execution.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::io::detail {

using pollux::detail::lock_scope;

// --- owners and the end of a job ---------------------------------------------------------------------------------------------

const pollux::detail::waker_table descriptor_core::waker_table_ = {
    [](void* core) noexcept { static_cast<descriptor_core*>(core)->add_owner(); },
    [](void* core) noexcept { static_cast<descriptor_core*>(core)->wake(); },
    [](void* core) noexcept {
        static_cast<descriptor_core*>(core)->wake();
        static_cast<descriptor_core*>(core)->drop_owner();
    },
    [](void* core) noexcept { static_cast<descriptor_core*>(core)->drop_owner(); },
    [](const void* core) noexcept { return core; },
};

descriptor_core::~descriptor_core() {
    if (traits_.is_owned) static_cast<void>(close_descriptor(fd_));
}

void descriptor_core::drop_owner() noexcept {
    // Both ways, among the owners: what each of them did comes before the end.
    if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
}

waker descriptor_core::own_waker() noexcept {
    add_owner();
    return waker(this, &waker_table_);
}

void descriptor_core::wake() noexcept {
    waker reader;
    waker writer;
    bool was_left = false;
    {
        const lock_scope guard(lock_);
        was_left = std::exchange(progress_, progress::over) == progress::left;
        std::swap(reader, reader_);
        std::swap(writer, writer_);
    }
    if (was_left) job_.reset();
    std::move(reader).wake();
    std::move(writer).wake();
}

void descriptor_core::leave() noexcept {
    waker reader;
    waker writer;
    bool goes_on = false;
    {
        const lock_scope guard(lock_);
        is_left_ = true;
        goes_on = progress_ == progress::running && act_ == act::write;
        if (goes_on) progress_ = progress::left;
        std::swap(reader, reader_);
        std::swap(writer, writer_);
    }
    if (!goes_on) {
        if (left_ != nullptr) left_->set();
        leave_transfer();
        job_.reset();
    }
    drop_owner();
}

// --- polls -------------------------------------------------------------------------------------------------------------------

// False: the waker of this poll will be woken.
bool descriptor_core::is_settled(context& cx, waker& side) {
    if (!is_busy_) return true;
    waker kept;
    {
        const lock_scope guard(lock_);
        if (progress_ == progress::running && side.is_clone_of(cx.waker())) return false;
    }
    kept = cx.waker();
    {
        const lock_scope guard(lock_);
        if (progress_ == progress::running) {
            std::swap(side, kept);
            return false;
        }
    }
    end_job();
    return true;
}

// It is over: the poll is ready. Throws: what kept its pool from having a thread.
void descriptor_core::end_job() {
    struct ending {
        descriptor_core& self;
        ~ending() {
            self.job_.reset();
            self.runtime_ended_.reset();
            self.is_busy_ = false;
            self.has_result_ = true;
        }
    };
    const ending guard{*this};
    try {
        context unlimited(noop_waker());
        if (job_.has_value()) static_cast<void>(job_->poll(unlimited));
    } catch (const task_cancelled&) {
        // The runtime has ended before it ran: what start() has left as the result says so.
    } catch (const std::system_error& refused) {
        result_ = refused.code();
    }
}

// Takes in the result of a job that nobody waits for any more, or of a write.
void descriptor_core::conclude() noexcept {
    if (!std::exchange(has_result_, false)) return;
    if (act_ != act::write) return;
    waiting_.clear();  // what is left after an error; the job is over
    if (result_ && !write_error_) write_error_ = result_;
}

// Errors: there is no job then. Throws: no_runtime, std::bad_alloc; the same.
std::error_code descriptor_core::start(context& cx, act what) {
    struct undoing {
        descriptor_core& self;
        bool is_off = false;
        ~undoing() {
            if (is_off) return;
            self.job_.reset();
            self.progress_ = progress::over;
        }
    };
    try {
        undoing guard{*this};
        if (what == act::read) prepare_read(cx);
        // Not into a pipe: who has started it writes, and would be sent SIGPIPE; threads of `blocking` are not.
        const bool is_for_ring = what == act::read || (what == act::write && traits_.can_seek);
        pollux::detail::ring_driver* const ring = is_for_ring ? ring_of(cx) : nullptr;
        const bool gives_back = traits_.can_seek && (what == act::write || (what == act::call && call_.gives_back));
        to_give_back_ = gives_back ? ahead_end_ - ahead_begin_ : 0;
        result_ = std::make_error_code(std::errc::operation_canceled);  // if the job never runs
        act_ = what;
        takes_more_ = what == act::write;
        // Without the lock: there is nobody yet to share them with.
        progress_ = progress::running;
        if (ring != nullptr) {
            is_busy_ = guard.is_off = true;
            start_transfer(*ring);
            return {};
        }
        job_.emplace(job{share(*this)});
        const waker mine = own_waker();
        context starting = cx.with_waker(mine);
        static_cast<void>(job_->poll(starting));  // the first one is always pending
        is_busy_ = guard.is_off = true;
        return {};
    } catch (const task_cancelled&) {
        return std::make_error_code(std::errc::operation_canceled);
    } catch (const std::system_error& refused) {
        return refused.code();
    }
}

void descriptor_core::prepare_read(context& cx) {
    if (ahead_ == nullptr) ahead_ = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    if (!traits_.is_input) return;
    if (left_ == nullptr) left_ = std::make_unique<stop_event>();
    pollux::detail::runtime_core* const core =
        cx.runtime() != nullptr ? cx.runtime() : pollux::detail::current_runtime();
    // Without a runtime the job says so.
    if (core != nullptr) runtime_ended_ = end_of_waits(*core);
}

std::size_t descriptor_core::hand_out(span to) noexcept {
    const std::size_t n = std::min(to.size(), ahead_end_ - ahead_begin_);
    if (n != 0) std::memcpy(to.data(), ahead_.get() + ahead_begin_, n);
    ahead_begin_ += n;
    return n;
}

polled<std::size_t, std::error_code> descriptor_core::poll_read(context& cx, span to) {
    if (!is_settled(cx, reader_)) return pending;
    if (act_ != act::read) conclude();
    if (!has_result_ && !write_error_ && !to.empty() && ahead_begin_ == ahead_end_) {
        wanted_ = traits_.is_input ? std::min(to.size(), buffer_bytes) : buffer_bytes;
        if (const std::error_code refused = start(cx, act::read)) return std::unexpected(refused);
        // Ready it may be already, but this registers the waker.
        if (!is_settled(cx, reader_)) return pending;
    }
    if (!cx.consume_budget()) return pending;
    if (write_error_) return std::unexpected(std::exchange(write_error_, {}));
    if (has_result_) {
        conclude();
        if (result_) return std::unexpected(result_);
    }
    return hand_out(to);
}

// The job that writes has room for more.
bool descriptor_core::has_room() noexcept {
    const lock_scope guard(lock_);
    return progress_ == progress::running && takes_more_ && waiting_.size() < buffer_bytes;
}

// Some of the bytes, from the front: none if the job looks no more, or nothing has room. Throws: std::bad_alloc; nothing was put.
std::size_t descriptor_core::put(const_span bytes) {
    const lock_scope guard(lock_);
    if (is_busy_ && (progress_ != progress::running || !takes_more_)) return 0;
    const std::size_t n = std::min(bytes.size(), buffer_bytes - waiting_.size());
    waiting_.append(bytes.data(), n);
    return n;
}

polled<std::size_t, std::error_code> descriptor_core::poll_write(context& cx, const_span bytes) {
    if (is_busy_ && act_ == act::write && !bytes.empty() && has_room()) {
        if (!cx.consume_budget()) return pending;
        if (const std::size_t n = put(bytes); n != 0) return n;
    }
    if (!is_settled(cx, writer_)) return pending;
    conclude();
    if (!cx.consume_budget()) return pending;
    if (write_error_) return std::unexpected(std::exchange(write_error_, {}));
    if (bytes.empty()) return std::size_t{0};
    struct clearing {
        std::string& waiting;
        bool is_off = false;
        ~clearing() {
            if (!is_off) waiting.clear();
        }
    } guard{waiting_};
    const std::size_t n = put(bytes);
    if (const std::error_code refused = start(cx, act::write)) return std::unexpected(refused);
    guard.is_off = true;
    return n;
}

polled<void, std::error_code> descriptor_core::poll_flush(context& cx) {
    if (act_ == act::write) {
        if (!is_settled(cx, writer_)) return pending;
        conclude();
    }
    if (!cx.consume_budget()) return pending;
    if (write_error_) return std::unexpected(std::exchange(write_error_, {}));
    return polled<void, std::error_code>::ready();
}

polled<void, std::error_code> descriptor_core::poll_call(context& cx, descriptor_call& what) {
    if (!is_settled(cx, writer_)) return pending;
    if (what.started == 0) {
        conclude();
        if (write_error_) {
            if (!cx.consume_budget()) return pending;
            return std::unexpected(std::exchange(write_error_, {}));
        }
        call_ = what;
        if (const std::error_code refused = start(cx, act::call)) return std::unexpected(refused);
        what.started = ++started_;
        if (!is_settled(cx, writer_)) return pending;
    }
    pollux::detail::debug_check(
        has_result_ && act_ == act::call && what.started == started_,
        "pollux: fs::file: two of its futures were polled in turn; await one before the next is polled");
    if (!cx.consume_budget()) return pending;
    conclude();
    if (result_) return std::unexpected(result_);
    for (std::size_t i = 0; i != std::size(what.numbers); ++i) what.numbers[i] = call_.numbers[i];
    return polled<void, std::error_code>::ready();
}

// --- on a blocking thread ----------------------------------------------------------------------------------------------------

void descriptor_core::run() noexcept {
    switch (act_) {
        case act::read: run_read(); return;
        case act::write: run_write(); return;
        case act::call:
            result_ = give_back();
            if (!result_) result_ = call_.run(fd_, call_.numbers);
            return;
    }
}

void descriptor_core::run_read() noexcept {
    ahead_begin_ = ahead_end_ = 0;
    const span to(ahead_.get(), wanted_);
    if (!traits_.is_input) {
        result_ = read_some(fd_, to, ahead_end_);
        return;
    }
    do {
        result_ = wait_for_input(fd_, *left_, *runtime_ended_);
        if (!result_) result_ = read_input(fd_, to, ahead_end_);
        // Another reader of the same pipe was quicker: the wait is for input again.
    } while (result_ == std::errc::resource_unavailable_try_again);
}

void descriptor_core::run_write() noexcept {
    result_ = give_back();
    while (take_waiting()) result_ = write_fully(fd_, writing_);
}

bool descriptor_core::take_waiting() noexcept {
    const lock_scope guard(lock_);
    writing_.clear();
    takes_more_ = !result_ && !waiting_.empty();
    if (takes_more_) std::swap(waiting_, writing_);
    return takes_more_;
}

std::error_code descriptor_core::give_back() noexcept {
    if (to_give_back_ == 0) return {};
    if (::lseek(fd_, -static_cast<::off_t>(to_give_back_), SEEK_CUR) < 0) return last_error();
    ahead_begin_ = ahead_end_ = 0;
    return {};
}

// --- the handle --------------------------------------------------------------------------------------------------------------

blocking_descriptor::blocking_descriptor(int fd, descriptor_traits traits) : core_(new descriptor_core(fd, traits)) {}
blocking_descriptor::~blocking_descriptor() {
    if (core_ != nullptr) core_->leave();
}
polled<std::size_t, std::error_code> blocking_descriptor::poll_read(context& cx, span to) {
    return core().poll_read(cx, to);
}
polled<std::size_t, std::error_code> blocking_descriptor::poll_write(context& cx, const_span bytes) {
    return core().poll_write(cx, bytes);
}
polled<void, std::error_code> blocking_descriptor::poll_flush(context& cx) { return core().poll_flush(cx); }
polled<void, std::error_code> blocking_descriptor::poll_call(context& cx, descriptor_call& what) {
    return core().poll_call(cx, what);
}
int blocking_descriptor::native_handle() const noexcept { return core().native_handle(); }

}  // namespace pollux::inline v0::io::detail

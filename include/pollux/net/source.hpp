// SPDX-License-Identifier: MIT
// A descriptor whose operations answer "would block" instead of waiting, and what it takes to wait for it: under every socket,
// async_fd, pipe of a child process and signal. For the library; users have net::async_fd.
//
// Readiness is remembered: an operation is tried while the source is believed to be ready, and only after it would have blocked that
// belief is given up and the reactor asked. A source that was never asked is believed to be ready for both, and takes its place in
// the reactor of the runtime where it is first polled to no avail. How no event gets lost stands in driver/readiness.hpp.
#pragma once

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/core/waker.hpp"
#include "pollux/driver/event_slot.hpp"
#include "pollux/sync/waiter_links.hpp"

namespace pollux::inline v0 {

namespace net {

/// What an operation on a descriptor needs.
enum class direction : std::uint8_t { read, write };

namespace detail {

/// Readiness as it was when somebody looked: what is given up later is given up only if nothing has come since.
struct readiness_seen {
    bool is_worth_a_try(direction which) const noexcept {
        const auto for_it = which == direction::read ? pollux::detail::ready_bits::for_reading
                                                     : pollux::detail::ready_bits::for_writing;
        // One of these, and not the cancellation, which is the highest of them.
        static_assert(pollux::detail::ready_bits::cancelled > pollux::detail::ready_bits::write_end);
        return (word & for_it) - 1 < pollux::detail::ready_bits::cancelled - 1;
    }
    /// An operation that was done in part says that the next would block.
    bool tells_by_parts(direction which) const noexcept {
        return which == direction::write || (word & pollux::detail::ready_bits::reads_stop_early) == 0;
    }

    std::uint64_t word = 0;
};

/// A place in the line of those who wait for one direction of a source. In a future: it stands still from its first poll on.
class POLLUX_API source_waiter {
public:
    source_waiter() noexcept = default;
    source_waiter(const source_waiter&) = delete;
    source_waiter& operator=(const source_waiter&) = delete;
    /// Leaves the line.
    ~source_waiter();

private:
    friend class source;

    pollux::detail::event_slot* slot_ = nullptr;  // whose line it is, or was, in
    pollux::detail::waiter_links<waker> place_;
};

/// All but `other` may go through io_uring. What else goes with the bytes of a local_stream, descriptors say, ends a read.
enum class source_kind : std::uint8_t { other, stream, local_stream, listener };

using ready_answer = polled<readiness_seen, std::error_code>;

/// Threads: see each member. It may be moved while nobody else uses it.
class POLLUX_API source {
public:
    source() noexcept = default;
    /// `descriptor` does not block already. `is_owned`: it is closed with this.
    explicit source(int descriptor, bool is_owned = true) noexcept : descriptor_(descriptor), is_owned_(is_owned) {}
    source(source&& other) noexcept;
    source& operator=(source other) noexcept {
        swap(other);
        return *this;
    }
    /// Leaves the reactor, and then closes the descriptor if it is owned. No notification comes after that.
    ~source();

    /// The same, as what it is used from now on.
    source as(source_kind what) && noexcept;

    int descriptor() const noexcept { return descriptor_; }
    /// What its bytes or connections go through, instead of the system's calls. Null: nothing does, or not yet.
    pollux::detail::ring_socket* ring() const noexcept {
        const auto* const slot = slot_.load(std::memory_order::acquire);  // pairs with registered()
        return slot != nullptr ? slot->socket : nullptr;
    }
    /// The same; takes its place first if it is a stream or a listener, and the runtime of the poll has one of io_uring. Null with an
    /// `error`, an errno: what that fails with. Throws: as poll_ready(). Threads: as poll_ready().
    pollux::detail::ring_socket* enter_ring(context& cx, int& error);
    /// Its place, if it has one and that is watched by epoll; null: poll_io() knows. For who polls in fewer steps than that. Threads: any.
    pollux::detail::event_slot* watched() const noexcept {
        auto* const slot = slot_.load(std::memory_order::acquire);  // pairs with registered()
        return slot != nullptr && slot->socket == nullptr ? slot : nullptr;
    }
    bool is_open() const noexcept { return descriptor_ >= 0; }
    /// Nothing is to be written to it any more. What goes through a ring has to be told: there a write is done before the system sees it.
    /// Threads: who writes, for both.
    void shut_writing() noexcept { is_shut_ = true; }
    bool is_writing_shut() const noexcept { return is_shut_; }
    /// Gives the descriptor up: it has left the reactor and belongs to the caller.
    int release() noexcept;

    /// Ready: an operation in that direction is worth a try. Pending: cx's waker is woken when it is. One line for each direction holds
    /// a waiter of the source itself (the first form: one task for each direction at a time, the latest waker counts) and any
    /// number of others (the second form).
    /// Errors: std::errc::operation_canceled once the runtime has ended whose reactor it is in, outside of any too; what registering
    /// fails with.
    /// Throws: no_runtime outside a runtime; std::bad_alloc. Threads: any; the first form one at a time for each direction.
    template <class... Waiter>
    ready_answer poll_ready(context& cx, direction which, Waiter&... self) {
        readiness_seen seen;
        const int error = wait(cx, which, seen, &self...);
        if (error == still_waiting) return pending;
        if (error != 0) return std::unexpected(std::error_code(error, std::system_category()));
        return seen;
    }

    /// An operation would have blocked: no more readiness in that direction, unless it came after `seen`. From now on it has to be
    /// in a reactor before it is believed to be ready again.
    void would_block(direction which, readiness_seen seen) noexcept {
        give_up(seen, which == direction::read ? bits::readable | bits::read_end : bits::writable | bits::write_end);
    }
    /// An operation was done in part, so the next would block: as above, but the end of the stream stays.
    void was_partial(direction which, readiness_seen seen) noexcept {
        if (ring() != nullptr) return;  // whose events come after it was found to block only
        if (!seen.tells_by_parts(which)) return;
        give_up(seen, which == direction::read ? bits::readable : bits::writable);
    }

    /// An operation as a leaf: `call` is tried while the source is ready. It answers as system calls do: less than 0, and errno. `asked`:
    /// how many bytes it can take at most; fewer than that, but some, says that the next would block (0: never does).
    template <class Call, class... Waiter>
    polled<std::size_t, std::error_code> poll_io(context& cx, direction which, std::size_t asked, Call call,
                                                 Waiter&... self) {
        for (;;) {
            readiness_seen seen;
            int error = wait(cx, which, seen, &self...);
            if (error == still_waiting) return pending;
            if (error != 0) return std::unexpected(std::error_code(error, std::system_category()));
            if (!cx.consume_budget()) return pending;
            const auto done = call(descriptor_);
            if (done >= 0) [[likely]] {
                const auto bytes = static_cast<std::size_t>(done);
                if (bytes != 0 && bytes < asked) was_partial(which, seen);
                return bytes;
            }
            error = errno;
            if (error == EINTR) continue;
            if (error != EAGAIN && error != EWOULDBLOCK)
                return std::unexpected(std::error_code(error, std::system_category()));
            would_block(which, seen);
        }
    }

    void swap(source& other) noexcept;

private:
    using bits = pollux::detail::ready_bits;

    static constexpr int still_waiting = -1;

    readiness_seen look() const noexcept {
        if (const auto* const slot = slot_.load(std::memory_order::acquire)) [[likely]]  // pairs with registered()
            return {slot->state.look()};
        // Relaxed: who has found that it blocks is this task, or else one try more is made.
        return {was_blocked_.load(std::memory_order::relaxed) ? 0 : bits::readable | bits::writable};
    }
    void give_up(readiness_seen seen, std::uint64_t given_up) noexcept {
        if (auto* const slot = slot_.load(std::memory_order::acquire)) [[likely]]  // pairs with registered()
            slot->state.give_up(seen.word, given_up);
        else
            was_blocked_.store(true, std::memory_order::relaxed);  // see look()
    }
    // 0: it is ready, as is to be `seen`. Else still_waiting, or an errno.
    int wait(context& cx, direction which, readiness_seen& seen, source_waiter* self = nullptr) {
        seen = look();
        if (cx.runtime() != nullptr) {
            if (seen.is_worth_a_try(which)) return 0;
            auto* const slot = slot_.load(std::memory_order::relaxed);  // look() has acquired it
            const auto wanted = which == direction::read ? bits::for_reading : bits::for_writing;
            if (self == nullptr && slot != nullptr && slot->state.wait_again(wanted, cx.waker())) return still_waiting;
        }
        return wait_for(cx, which, seen, self);
    }
    // That of the poll. Null: the runtime that it was in has ended, so it is in a slot. Throws: no_runtime.
    pollux::detail::runtime_core* core_of(context& cx) const;
    bool goes_through_ring(pollux::detail::runtime_core& core) const noexcept;
    int wait_for(context& cx, direction which, readiness_seen& seen, source_waiter* self);
    pollux::detail::event_slot* registered(pollux::detail::runtime_core& core, int& error);

    int descriptor_ = -1;
    bool is_owned_ = true;
    source_kind kind_ = source_kind::other;
    bool is_shut_ = false;  // of who writes
    std::atomic<bool> was_blocked_{false};
    pollux::detail::short_lock lock_;  // held while it takes its place
    std::atomic<pollux::detail::event_slot*> slot_{nullptr};
};

}  // namespace detail

}  // namespace net

}  // namespace pollux::inline v0

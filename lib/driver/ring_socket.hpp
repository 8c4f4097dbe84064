// SPDX-License-Identifier: MIT
// A connected stream or a listener whose bytes and connections go through io_uring. To its users it looks like a descriptor that does not
// block: its calls answer as the system's do, with less than 0 and errno, and "would block" is EAGAIN. After that an event comes to its
// place in the source set, and so all that waits for readiness waits for this in the same way (driver/readiness.hpp).
//
// Claim: after EAGAIN an event comes some time after it. Proof: EAGAIN is answered under the lock while an operation of that direction
// is under way; done() notes what has come, and its end, under the lock and adds the event behind that.
//
// Reading: one operation, which goes on by itself unless the socket is AF_UNIX, puts what has come into the buffer, from where calls take
// it. Who does not come to read is not read for without end: past a limit the operation is given up until somebody finds the buffer empty.
// So is one whose worker is not the one that serves the ring any more: the kernel wakes the thread that has submitted an operation for each
// of its parts.
// What is in the buffer or under way is older than what the system has: so nothing is asked of the system while there is either.
// Writing: a call fills the buffer and starts an operation for it; the next would block until that has ended, and has its error. Where
// it is known to fail it fails at once.
//
// It is counted: the place has a share, and each operation that is under way. A socket that is left keeps its descriptor until
// they have ended: what it would receive is given up, and all is sent, but for a peer that takes nothing for so long, and where SO_LINGER
// says that it is to be dropped.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "driver/ring_driver.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/driver/event_slot.hpp"

namespace pollux::inline v0::detail {

class worker;

/// Threads: any.
class ring_socket {
public:
    enum class kind : bool { stream, listener };

    /// A place in `sources` with one of these in it. Null: `error` is an errno.
    static event_slot* add(ring_driver& driver, source_set& sources, int descriptor, kind what, int& error) noexcept;
    /// Gives the place up. True: the descriptor is closed in here, when nothing is under way any more.
    static bool remove(event_slot& place) noexcept;

    /// Into several places, oldest bytes first. `leaves_them`: as with MSG_PEEK.
    std::ptrdiff_t receive(const iovec* to, std::size_t count, bool leaves_them) noexcept;
    /// As receive(), of what is there now.
    std::ptrdiff_t try_receive(const iovec* to, std::size_t count) noexcept;
    std::ptrdiff_t send(const iovec* parts, std::size_t count) noexcept;
    /// As send(), but straight to the system.
    std::ptrdiff_t try_send(const iovec* parts, std::size_t count) noexcept;
    /// A descriptor.
    int accept() noexcept;
    /// Begins: how it ends says connected(), and meanwhile writing would block. For addresses of the internet.
    int connect(const sockaddr* to, socklen_t bytes) noexcept;
    int connected() noexcept { return flush(); }
    /// 0: a call in that direction would not block.
    int readable() noexcept;
    int writable() noexcept;
    /// 0: everything is the system's.
    int flush() noexcept;
    /// Behind what is being sent. 0 at once; its error is lost if it is for later.
    int shut_down_write() noexcept;

private:
    // Sent by one operation at most, and received ahead of the reader, but for what is on its way by then: what a stream has in here, beside
    // what the system holds. A guess.
    static constexpr std::size_t most_bytes = 64 * 1024;
    // Parts that another worker takes out of the ring than has started what they are of, before it is started anew. A guess.
    static constexpr unsigned most_elsewhere = 16;
    // Of memory that is kept for what has come, at least and at most. Guesses.
    static constexpr std::size_t least_kept = 1024, most_kept = 64 * 1024;

    struct operation : ring_operation {
        ring_socket* of;
        bool is_under_way = false;
        int error = 0;  // for the next call
    };
    struct buffer {
        /// Room for so many bytes, and nothing in it.
        bool reserve(std::size_t bytes) noexcept;
        bool append(const char* from, std::size_t size) noexcept;
        std::size_t size() const noexcept { return end - begin; }

        std::unique_ptr<char[]> bytes;
        std::size_t capacity = 0;
        std::size_t begin = 0, end = 0;  // what is in it
    };

    ring_socket(ring_driver& driver, event_slot& place, int descriptor, kind what) noexcept;
    ~ring_socket();
    void drop_owner() noexcept;

    static void reading_done(ring_operation& self, int result, unsigned flags) noexcept;
    static void writing_done(ring_operation& self, int result, unsigned flags) noexcept;
    static void connecting_done(ring_operation& self, int result, unsigned flags) noexcept;
    static void room_done(ring_operation& self, int result, unsigned flags) noexcept;
    static void closing_done(ring_operation& self, int result, unsigned flags) noexcept;
    std::ptrdiff_t send_now(const iovec* parts, std::size_t count) noexcept;
    std::ptrdiff_t take(const iovec* to, std::size_t count, bool leaves_them) noexcept;
    bool has_input() const noexcept;
    void block_reading() noexcept;
    bool is_of_another_worker() noexcept;
    bool start_receiving() noexcept;
    void take_in(int result, unsigned flags) noexcept;
    bool start_sending() noexcept;
    bool start_waiting_for_room(operation& one) noexcept;
    bool start(operation& one, const io_uring_sqe& entry) noexcept;
    void end_sending() noexcept;
    void limit_closing() noexcept;
    void give_up_sending() noexcept;
    void settle_linger() noexcept;
    void give_up(operation& one) noexcept;
    bool is_busy() const noexcept;
    void close_if_left() noexcept;
    void add_event(std::uint64_t bits) noexcept;

    ring_driver& driver_;
    event_slot& place_;
    const std::uint32_t generation_;
    const int descriptor_;
    const kind kind_;
    // Not with AF_UNIX: an operation that goes on waits for the next event there when it has read the last byte, also if the peer had ended
    // before that, and so the end never came on Linux 6.18. On TCP the kernel tries once more.
    const bool goes_on_reading_;
    std::atomic<std::uint32_t> owners_{1};

    short_lock lock_;
    // Guarded by it; but `output_` belongs to the kernel while its operation is under way.
    operation reading_, writing_;  // the latter connects first
    operation room_;               // waits until the system has room
    operation closing_;            // waits until a socket that is left has had its time
    buffer input_, output_;
    sockaddr_in6 address_;  // to connect to; or an IPv4 one
    int accepted_ = -1;
    bool is_at_end_ = false;
    bool is_likely_empty_ = true;  // the system, of what was received
    bool is_stopping_ = false;     // reading_
    // Who has started reading_, and how many of its parts in a row another worker has taken out of the ring.
    const worker* starter_ = nullptr;
    unsigned taken_elsewhere_ = 0;
    bool shuts_down_ = false;  // after what is sent
    bool is_broken_ = false;   // reading has failed: what writing fails with is known at once
    bool is_left_ = false;
    bool gives_up_ = false;  // what it sends
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The descriptors that a reactor watches: an epoll set, and a place for each descriptor. Owned by the reactor and by each source in it,
// which may outlive the runtime: then it finds the set closed.
//
// Places never move and are not given back before the set goes, so an event that comes late, for a descriptor that has gone, finds
// memory; that it is for nobody shows its generation (readiness.hpp).
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <system_error>

#include "pollux/driver/event_slot.hpp"
#include "scheduler/fork_guard.hpp"

namespace pollux::inline v0::detail {

/// Threads: any, but wait() and hand_out(), which are for one at a time.
class source_set {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// The first owner is the caller. Throws: std::system_error, std::bad_alloc.
    static source_set& make(bool has_ring = false) { return *new source_set(has_ring); }
    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order::relaxed); }  // whoever adds one is one
    void drop_owner() noexcept;

    /// A place for the descriptor; it is an owner. Null: `error` is an errno. Cost: a lock and a system call; memory for more of them now and then.
    /// `reads_stop_early`: see ready_bits.
    event_slot* add(int descriptor, int& error, bool reads_stop_early = false) noexcept;
    /// A place that events come to by other ways; it begins as ready for all.
    event_slot* add_unwatched(int& error) noexcept;
    /// From now on nothing comes for it. The place's waiters have left.
    void remove(event_slot& place, int descriptor) noexcept;
    void remove_unwatched(event_slot& place) noexcept;

    /// At most until `deadline`; time_point::min(): does not sleep. Returns after interrupt(), perhaps once more than needed.
    void wait(time_point deadline) noexcept;
    /// True: there were events.
    bool hand_out() noexcept;
    void interrupt() noexcept;
    /// What wait() has found may not be all.
    bool is_full() const noexcept { return event_count_ == most_events; }
    /// Its reactor has an io_uring, too.
    bool has_ring() const noexcept { return has_ring_; }
    /// The epoll set, for who watches it.
    int descriptor() const noexcept { return epoll_; }

    /// Its runtime has ended: who waits is woken, and nobody waits any more.
    void close() noexcept;

private:
    // Harvested at once. Half of what a run queue holds: the tasks of all of them stay where others can steal them.
    static constexpr int most_events = 128;
    // Chunk k has 64 << k places.
    static constexpr unsigned first_chunk_bits = 6, most_chunks = 26;

    explicit source_set(bool has_ring);
    ~source_set();
    static std::size_t chunk_size(unsigned chunk) noexcept { return std::size_t{1} << (first_chunk_bits + chunk); }
    event_slot& at(std::uint32_t index) noexcept;
    event_slot* take_place() noexcept;
    event_slot* take_place_unless_closed(int& error) noexcept;

    std::atomic<std::size_t> owners_{1};
    const bool has_ring_;
    const fork_guard fork_guard_;
    int epoll_ = -1;
    int interrupt_ = -1;

    std::mutex lock_;
    // Guarded by it.
    event_slot* free_ = nullptr;
    unsigned chunk_count_ = 0;
    bool is_closed_ = false;

    std::array<std::atomic<event_slot*>, most_chunks> chunks_{};  // written under the lock

    // Of who has the seat.
    std::array<epoll_event, most_events> events_;
    int event_count_ = 0;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
#include "driver/source_set.hpp"

#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <new>
#include <utility>

#include "core/platform.hpp"

namespace pollux::inline v0::detail {

namespace {

// The data of the event that interrupt() makes; no place has this index.
constexpr std::uint64_t interrupt_data = ~std::uint64_t{0};

std::uint64_t data_of(std::uint32_t index, std::uint32_t generation) noexcept {
    return std::uint64_t{generation} << 32 | index;
}

std::uint64_t bits_of(std::uint32_t events) noexcept {
    std::uint64_t bits = 0;
    if ((events & EPOLLIN) != 0) bits |= ready_bits::readable;
    if ((events & EPOLLPRI) != 0) bits |= ready_bits::readable | ready_bits::reads_stop_early;
    if ((events & EPOLLOUT) != 0) bits |= ready_bits::writable;
    if ((events & EPOLLRDHUP) != 0) bits |= ready_bits::readable | ready_bits::read_end;
    if ((events & EPOLLHUP) != 0)
        bits |= ready_bits::readable | ready_bits::writable | ready_bits::read_end | ready_bits::write_end;
    // The next operation says which error, or the one behind bytes that came before it; after that it may go on.
    if ((events & EPOLLERR) != 0) bits |= ready_bits::readable | ready_bits::writable | ready_bits::reads_stop_early;
    return bits;
}

[[gnu::noinline]] void add_others(readiness<waker, std_sync>& state, std::uint32_t generation,
                                  std::uint32_t events) noexcept {
    state.add(generation, bits_of(events));
}

[[noreturn]] void throw_errno(const char* what) {
    const int error = errno;
    throw std::system_error(error, std::system_category(), what);
}

// Linux 5.11. Where it is older, or a filter of system calls refuses what it does not know: whole milliseconds, rounded up.
int wait_for_events(int epoll, epoll_event* events, int most, const timespec* timeout) noexcept {
    static std::atomic<bool> is_missing{false};
    if (!is_missing.load(std::memory_order::relaxed)) {  // each thread may find out by itself
        const auto found = ::syscall(SYS_epoll_pwait2, epoll, events, most, timeout, nullptr, std::size_t{0});
        if (found >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(found);
        is_missing.store(true, std::memory_order::relaxed);  // as above
    }
    int milliseconds = -1;
    if (timeout != nullptr) {
        const long whole = std::min<long>(timeout->tv_sec, INT_MAX / 1000 - 1);
        milliseconds = static_cast<int>(whole * 1000 + (timeout->tv_nsec + 999'999) / 1'000'000);
    }
    return ::epoll_wait(epoll, events, most, milliseconds);
}

}  // namespace

// --- owners ------------------------------------------------------------------------------------------------------------------

source_set::source_set(bool has_ring) : has_ring_(has_ring) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0) throw_errno("pollux: reactor: epoll_create1 failed; raise the limit of open files");
    interrupt_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    // Edge-triggered and never read: each write is a new edge.
    epoll_event wanted{.events = EPOLLIN | EPOLLET, .data = {.u64 = interrupt_data}};
    if (interrupt_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, interrupt_, &wanted) != 0) {
        const int error = errno;
        if (interrupt_ >= 0) ::close(interrupt_);
        ::close(epoll_);
        throw std::system_error(error, std::system_category(),
                                "pollux: reactor: no descriptor to interrupt it by; raise the limit of open files");
    }
}

source_set::~source_set() {
    ::close(interrupt_);
    ::close(epoll_);
    for (auto& each : chunks_) delete[] each.load(std::memory_order::relaxed);  // the last owner's
}

void source_set::drop_owner() noexcept {
    // Release: what this owner did with it; acquire: what the others did. Partner: this line.
    if (owners_.fetch_sub(1, std::memory_order::acq_rel) == 1) delete this;
}

// --- places ------------------------------------------------------------------------------------------------------------------

event_slot& source_set::at(std::uint32_t index) noexcept {
    const std::size_t shifted = index + chunk_size(0);
    const auto chunk = static_cast<unsigned>(std::bit_width(shifted)) - 1 - first_chunk_bits;
    return chunks_[chunk].load(
        std::memory_order::acquire)[shifted - chunk_size(chunk)];  // pairs with the release in take_place()
}

// With the lock held. Null: no memory.
event_slot* source_set::take_place() noexcept {
    if (free_ == nullptr) {
        if (chunk_count_ == most_chunks) return nullptr;
        const std::size_t size = chunk_size(chunk_count_);
        event_slot* const made = new (std::nothrow) event_slot[size];
        if (made == nullptr) return nullptr;
        const std::size_t first = size - chunk_size(0);  // as many as the chunks before have
        for (std::size_t i = size; i-- != 0;) {
            made[i].home = this;
            made[i].index = static_cast<std::uint32_t>(first + i);
            made[i].next_free = std::exchange(free_, &made[i]);
        }
        chunks_[chunk_count_++].store(made, std::memory_order::release);  // pairs with the acquire in at()
    }
    return std::exchange(free_, free_->next_free);
}

event_slot* source_set::take_place_unless_closed(int& error) noexcept {
    const std::lock_guard guard(lock_);
    event_slot* const place = is_closed_ ? nullptr : take_place();
    if (place != nullptr)
        add_owner();
    else
        error = is_closed_ ? ECANCELED : ENOMEM;
    return place;
}

event_slot* source_set::add(int descriptor, int& error, bool reads_stop_early) noexcept {
    event_slot* const place = take_place_unless_closed(error);
    if (place == nullptr) return nullptr;
    const std::uint32_t generation = place->state.generation_of(place->state.look());
    if (reads_stop_early) place->state.add(generation, ready_bits::reads_stop_early);
    epoll_event wanted{.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                       .data = {.u64 = data_of(place->index, generation)}};
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &wanted) != 0) {
        error = errno;
        place->state.renew();
        const std::lock_guard guard(lock_);
        place->next_free = std::exchange(free_, place);
        owners_.fetch_sub(1, std::memory_order::relaxed);  // the caller is another
        return nullptr;
    }
    // It may have been closed before it was added, and that has not found it, or has.
    const std::lock_guard guard(lock_);
    if (is_closed_) place->state.add(generation, ready_bits::cancelled);
    return place;
}

event_slot* source_set::add_unwatched(int& error) noexcept {
    event_slot* const place = take_place_unless_closed(error);
    if (place == nullptr) return nullptr;
    const std::uint32_t generation = place->state.generation_of(place->state.look());
    place->state.add(generation, ready_bits::readable | ready_bits::writable);
    // As in add().
    const std::lock_guard guard(lock_);
    if (is_closed_) place->state.add(generation, ready_bits::cancelled);
    return place;
}

void source_set::remove(event_slot& place, int descriptor) noexcept {
    // A child of fork() has the same set, and what it takes out is lost to its parent. It fails if the user has closed the descriptor: then
    // that is gone, too.
    epoll_event ignored{};
    if (!fork_guard_.is_in_child()) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, &ignored);
    remove_unwatched(place);
}

void source_set::remove_unwatched(event_slot& place) noexcept {
    place.state.renew();
    {
        const std::lock_guard guard(lock_);
        place.next_free = std::exchange(free_, &place);
    }
    drop_owner();
}

void source_set::close() noexcept {
    unsigned chunk_count = 0;
    {
        const std::lock_guard guard(lock_);
        is_closed_ = true;
        chunk_count = chunk_count_;
    }
    // No chunk is added any more. Of a place that is taken at this moment the mark may be lost to its next user: see add().
    for (unsigned chunk = 0; chunk != chunk_count; ++chunk)
        for (std::size_t i = 0; i != chunk_size(chunk); ++i) {
            auto& state = chunks_[chunk].load(std::memory_order::relaxed)[i].state;  // seen under the lock
            state.add(state.generation_of(state.look()), ready_bits::cancelled);
        }
}

// --- events ------------------------------------------------------------------------------------------------------------------

void source_set::wait(time_point deadline) noexcept {
    timespec timeout{};
    const bool is_endless = deadline == time_point::max();
    if (!is_endless && deadline != time_point::min()) timeout = time_left<timespec>(deadline);
    // Interrupted by a signal it finds nothing, as after interrupt().
    event_count_ = std::max(wait_for_events(epoll_, events_.data(), most_events, is_endless ? nullptr : &timeout), 0);
}

bool source_set::hand_out() noexcept {
    bool were_some = false;
    for (int i = 0; i != event_count_; ++i) {
        const epoll_event& event = events_[static_cast<std::size_t>(i)];
        const std::uint64_t data = event.data.u64;
        if (data == interrupt_data) continue;
        were_some = true;
        auto& state = at(static_cast<std::uint32_t>(data)).state;
        const auto generation = static_cast<std::uint32_t>(data >> 32);
        if (event.events == (EPOLLIN | EPOLLOUT)) [[likely]]
            state.add(generation, ready_bits::readable | ready_bits::writable);  // nearly all; made for these bits
        else
            add_others(state, generation, event.events);
    }
    event_count_ = 0;
    return were_some;
}

void source_set::interrupt() noexcept {
    const std::uint64_t one = 1;
    // It cannot be full: that would take centuries.
    [[maybe_unused]] const auto written = ::write(interrupt_, &one, sizeof one);
}

}  // namespace pollux::inline v0::detail

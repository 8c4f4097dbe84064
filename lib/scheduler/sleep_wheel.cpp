// SPDX-License-Identifier: MIT
#include "scheduler/sleep_wheel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "core/prefetch.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/runtime/errors.hpp"
#include "scheduler/task_waker.hpp"

namespace pollux::inline v0::detail {

namespace {

// Runs of 1, 2, 4, ... sleeps that are sorted already: more than there can be.
constexpr std::size_t most_runs = 48;

// Of a tick: from so many sleeps on it is worth while to spread them over its parts first, so that each takes fewer comparisons.
constexpr std::size_t few = 64;
constexpr unsigned part_bits = 6;

// Those of `older` come first where deadlines are equal.
sleep_entry* merged(sleep_entry* older, sleep_entry* newer) noexcept {
    sleep_entry* first = nullptr;
    sleep_entry** end = &first;
    while (older != nullptr && newer != nullptr) {
        sleep_entry*& earlier = newer->deadline < older->deadline ? newer : older;
        *end = earlier;
        end = &earlier->next;
        earlier = earlier->next;
    }
    *end = older != nullptr ? older : newer;
    return first;
}

sleep_entry* sorted(sleep_entry* oldest) noexcept {
    std::array<sleep_entry*, most_runs> runs{};
    while (oldest != nullptr) {
        sleep_entry* run = std::exchange(oldest, oldest->next);
        run->next = nullptr;
        std::size_t i = 0;
        for (; runs[i] != nullptr; ++i) run = merged(std::exchange(runs[i], nullptr), run);
        runs[i] = run;
    }
    sleep_entry* all = nullptr;
    for (sleep_entry* const run : runs) all = merged(run, all);
    return all;
}

bool are_few(const sleep_entry* first) noexcept {
    for (std::size_t n = 0; n != few; ++n, first = first->next)
        if (first == nullptr) return true;
    return false;
}

// While a task sleeps hardly anybody touches it, so it is prefetched while others are woken: what its poll needs, and when its header is there,
// which in a crowded tick is asked for while others are sorted, what its end writes. Without that 100,000 sleeps take a fifth longer.
void prefetch_header(const sleep_entry& entry) noexcept { prefetch_to_write(entry.wake_data); }
// The head of the frame, which is behind the header, and the frame that awaits the sleep.
void prefetch_frames(const sleep_entry& entry) noexcept {
    prefetch_to_write(entry.wake_data, cache_line);
    prefetch_to_write(&entry, cache_line);
    prefetch_to_write(&entry, 2 * cache_line);
}
void prefetch_neighbours(const waker& of_task) noexcept {
    if (of_task.table() != &task_waker_table) return;
    const task_links& task = *static_cast<const task_header*>(of_task.data());
    prefetch_to_write(task.previous_task());
    prefetch_to_write(task.next_task());
}

}  // namespace

sleep_wheel::sleep_wheel(unsigned index, std::chrono::nanoseconds tick) noexcept
    : tick_ns_(static_cast<std::uint64_t>(tick.count())), index_(index) {}

void sleep_wheel::retire::operator()(sleep_wheel* given_up) const noexcept {
    bool is_last = false;
    {
        const lock_scope guard(given_up->lock_);
        given_up->is_retired_ = true;
        is_last = given_up->entries_.load(std::memory_order::relaxed) == 0;
    }
    if (is_last) destroy(*given_up);
}

void sleep_wheel::destroy(sleep_wheel& last) noexcept { delete &last; }

void sleep_wheel::refuse() { throw task_cancelled(); }

// --- the future's side -------------------------------------------------------------------------------------------------------

sleep_state sleep_wheel::poll(sleep_entry& entry, const waker& to_wake) noexcept {
    // Acquire, here and below: pairs with the release in end_until(): the wheel is done with the entry.
    const sleep_state seen = entry.state.load(std::memory_order::acquire);
    if (seen != sleep_state::armed) return seen;
    // The same words are the same waker: at that load the entry still owned its one, and `to_wake` has lived since before.
    if (entry.wake_data == to_wake.data() && entry.wake_table == to_wake.table()) return seen;
    waker other(to_wake);  // dropped after the lock
    const lock_scope guard(entry.wheel->lock_);
    const sleep_state state = entry.state.load(std::memory_order::relaxed);  // with the lock
    if (state != sleep_state::armed) return state;
    waker replaced = waker_of(entry);
    entry.wake_data = other.data();
    entry.wake_table = other.table();
    other.forget();
    other = std::move(replaced);
    return state;
}

waker sleep_wheel::disarm(sleep_entry& entry) noexcept {
    const lock_scope guard(entry.wheel->lock_);
    if (entry.state.load(std::memory_order::relaxed) != sleep_state::armed) return {};  // with the lock
    entry.wheel->take_out(entry);
    ++entry.wheel->gone_;
    entry.state.store(sleep_state::idle, std::memory_order::relaxed);  // for its own polls
    return waker_of(entry);
}

// --- the server's side -------------------------------------------------------------------------------------------------------

void sleep_wheel::fire(time_point now, std::size_t most) noexcept {
    end_until(tick_before(now), sleep_state::fired, most);
}

void sleep_wheel::close() noexcept {
    {
        const lock_scope guard(lock_);
        is_closed_ = true;
    }
    end_until(no_tick, sleep_state::cancelled, all);
}

void sleep_wheel::end_until(std::uint64_t now, sleep_state become, std::size_t most) noexcept {
    // Wakers are called outside the lock, a batch at a time: large enough to make the lock cheap, small for the stack.
    std::array<waker, 32> due;
    for (bool has_more = true; has_more && most != 0;) {
        const std::size_t at_once = std::min(due.size(), most);
        std::size_t n = 0;
        {
            const lock_scope guard(lock_);
            put_new();
            slot& overdue = slots_[due_slot];
            while (n != at_once && has_more) {
                if (overdue.first == nullptr) {
                    has_more = advance(now);
                    continue;
                }
                sleep_entry& entry = *overdue.first;
                take_out(entry);
                prefetch_frames(entry);
                due[n++] = waker_of(entry);
                entry.state.store(become, std::memory_order::release);  // pairs with the acquire in poll()
            }
            gone_ += n;
        }
        most -= n;
        for (std::size_t i = 0; i != n; ++i) prefetch_neighbours(due[i]);
        for (std::size_t i = 0; i != n; ++i) std::exchange(due[i], waker()).wake();
    }
}

sleep_wheel::time_point sleep_wheel::begin_rest() noexcept {
    const lock_scope guard(lock_);
    put_new();
    std::uint64_t next = no_tick;
    if (slots_[due_slot].first != nullptr) {
        next = elapsed_;
    } else if (levels_in_use_ != 0) {
        const auto level = static_cast<unsigned>(std::countr_zero(levels_in_use_));
        next = slots_[level * slots_of_level + static_cast<unsigned>(std::countr_zero(slots_in_use_[level]))].least;
    }
    constexpr auto last = static_cast<std::uint64_t>(time_point::max().time_since_epoch().count());
    const auto until = next > last / tick_ns_
                           ? time_point::max()
                           : time_point(time_point::duration(static_cast<time_point::rep>(next * tick_ns_)));
    ++resting_;
    rests_until_ = std::max(rests_until_, until);
    return until;
}

void sleep_wheel::end_rest() noexcept {
    const lock_scope guard(lock_);
    if (--resting_ == 0) rests_until_ = time_point::min();
}

std::size_t sleep_wheel::size() const noexcept {
    const lock_scope guard(lock_);
    return entries_.load(std::memory_order::relaxed) - gone_;
}

// --- the wheel ---------------------------------------------------------------------------------------------------------------

std::uint64_t sleep_wheel::tick_behind(time_point deadline) const noexcept {
    const auto ns = deadline.time_since_epoch().count();
    return ns <= 0 ? 0 : (static_cast<std::uint64_t>(ns) - 1) / tick_ns_ + 1;
}

std::uint64_t sleep_wheel::tick_before(time_point now) const noexcept {
    const auto ns = now.time_since_epoch().count();
    return ns <= 0 ? 0 : static_cast<std::uint64_t>(ns) / tick_ns_;
}

void sleep_wheel::put(sleep_entry& entry, std::uint64_t tick) noexcept {
    const std::uint64_t at = std::max(tick, elapsed_);  // overdue: the first of all
    const std::uint64_t differs = (at ^ elapsed_) | (slots_of_level - 1);
    const unsigned level = (63u - static_cast<unsigned>(std::countl_zero(differs))) / group_bits;
    const auto place = static_cast<unsigned>(at >> (level * group_bits)) % slots_of_level;
    const unsigned index = level * slots_of_level + place;
    slot& into = slots_[index];
    into.least = into.first == nullptr ? at : std::min(into.least, at);
    levels_in_use_ |= 1u << level;
    slots_in_use_[level] |= std::uint64_t{1} << place;
    entry.next = nullptr;
    entry.link = std::exchange(into.end, &entry.next);
    *entry.link = &entry;
    entry.slot = static_cast<std::uint16_t>(index);
}

void sleep_wheel::put_new() noexcept {
    sleep_entry* oldest = nullptr;
    while (newest_ != nullptr) {
        sleep_entry* const next = std::exchange(newest_->next, oldest);
        oldest = std::exchange(newest_, next);
    }
    while (oldest != nullptr) {
        sleep_entry& entry = *std::exchange(oldest, oldest->next);
        put(entry, tick_behind(entry.deadline));
    }
}

void sleep_wheel::last_has_left(sleep_entry& entry) noexcept {
    slot& from = slots_[entry.slot];
    from.end = entry.link;
    if (from.first == nullptr && entry.slot != due_slot) is_empty(entry.slot);
}

// In the order in which they came.
sleep_entry* sleep_wheel::take_all(slot& from) noexcept {
    from.end = &from.first;
    return std::exchange(from.first, nullptr);
}

void sleep_wheel::is_empty(unsigned index) noexcept {
    const unsigned level = index / slots_of_level;
    slots_in_use_[level] &= ~(std::uint64_t{1} << index % slots_of_level);
    if (slots_in_use_[level] == 0) levels_in_use_ &= ~(1u << level);
}

// Empties the earliest slot, if its time has begun: into the list of what is due, or into lower levels. False: nothing is due at `now`.
bool sleep_wheel::advance(std::uint64_t now) noexcept {
    unsigned level = 0, place = 0;
    std::uint64_t begin = no_tick;
    if (levels_in_use_ != 0) {
        level = static_cast<unsigned>(std::countr_zero(levels_in_use_));
        place = static_cast<unsigned>(std::countr_zero(slots_in_use_[level]));
        const unsigned shift = level * group_bits;
        const std::uint64_t above = level + 1 == levels ? 0 : elapsed_ >> shift >> group_bits << group_bits;
        begin = (above | place) << shift;
    }
    if (levels_in_use_ == 0 || begin > now) {
        elapsed_ = std::max(elapsed_, now);  // another who serves it may have looked at the clock later
        return false;
    }
    elapsed_ = begin;
    const unsigned index = level * slots_of_level + place;
    sleep_entry* oldest = take_all(slots_[index]);
    is_empty(index);
    if (level == 0) {
        make_due(oldest);
    } else {
        while (oldest != nullptr) {
            sleep_entry& entry = *std::exchange(oldest, oldest->next);
            put(entry, tick_behind(entry.deadline));
        }
    }
    return true;
}

// Those of one tick, which begins behind `elapsed_ - 1`; what is overdue comes first.
void sleep_wheel::make_due(sleep_entry* oldest) noexcept {
    slots_[due_slot].end = &slots_[due_slot].first;
    if (are_few(oldest)) {
        append_due(sorted(oldest));
        return;
    }
    struct part {
        sleep_entry* first = nullptr;
        sleep_entry** end = &first;
    };
    std::array<part, std::size_t{1} << part_bits> parts;
    const auto begin = static_cast<std::int64_t>((elapsed_ - 1) * tick_ns_);
    const int shift = std::max(static_cast<int>(std::bit_width(tick_ns_)) - static_cast<int>(part_bits), 0);
    for (; oldest != nullptr; oldest = oldest->next) {
        prefetch_header(*oldest);
        const std::int64_t deadline = oldest->deadline.time_since_epoch().count();
        part& into = parts[deadline <= begin ? 0 : static_cast<std::uint64_t>(deadline - begin) >> shift];
        *std::exchange(into.end, &oldest->next) = oldest;
    }
    for (part& each : parts) {
        *each.end = nullptr;
        append_due(sorted(each.first));
    }
}

void sleep_wheel::append_due(sleep_entry* earliest) noexcept {
    sleep_entry**& end = slots_[due_slot].end;
    *end = earliest;
    for (; earliest != nullptr; earliest = earliest->next) {
        earliest->link = std::exchange(end, &earliest->next);
        earliest->slot = due_slot;
    }
}

}  // namespace pollux::inline v0::detail

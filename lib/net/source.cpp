// SPDX-License-Identifier: MIT
#include "pollux/net/source.hpp"

#include <unistd.h>

#include <new>

#include "driver/reactor.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::net::detail {

using pollux::detail::event_slot;
using pollux::detail::ready_bits;

namespace {

std::uint64_t bits_for(direction which) noexcept {
    return which == direction::read ? ready_bits::for_reading : ready_bits::for_writing;
}

}  // namespace

source_waiter::~source_waiter() {
    if (slot_ != nullptr) slot_->state.forget(place_);
}

source::source(source&& other) noexcept { swap(other); }

source::~source() {
    const int descriptor = release();
    if (descriptor >= 0 && is_owned_) ::close(descriptor);
}

int source::release() noexcept {
    // Relaxed: nobody else uses it.
    if (event_slot* const slot = slot_.exchange(nullptr, std::memory_order::relaxed))
        slot->home->remove(*slot, descriptor_);
    return std::exchange(descriptor_, -1);
}

void source::swap(source& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    std::swap(is_owned_, other.is_owned_);
    // Relaxed, all: nobody else uses them.
    was_blocked_.store(
        other.was_blocked_.exchange(was_blocked_.load(std::memory_order::relaxed), std::memory_order::relaxed),
        std::memory_order::relaxed);
    slot_.store(other.slot_.exchange(slot_.load(std::memory_order::relaxed), std::memory_order::relaxed),
                std::memory_order::relaxed);
}

ready_answer source::poll_ready(context& cx, direction which) { return poll_in_line(cx, which, nullptr); }

ready_answer source::poll_ready(context& cx, direction which, source_waiter& self) {
    return poll_in_line(cx, which, &self);
}

ready_answer source::poll_in_line(context& cx, direction which, source_waiter* self) {
    pollux::detail::debug_check(is_open(),
                                "pollux: net: a socket or descriptor was used after it was moved from or closed");
    pollux::detail::runtime_core* const core =
        cx.runtime() != nullptr ? cx.runtime() : pollux::detail::current_runtime();
    if (core == nullptr)
        throw no_runtime("pollux: net: no runtime on this thread; poll it inside a task or runtime::block_on");
    event_slot* slot = slot_.load(std::memory_order::acquire);  // pairs with the release in registered()
    if (slot == nullptr) {
        // Relaxed: who has found that it blocks is this task, or else one try more is made.
        if (!was_blocked_.load(std::memory_order::relaxed)) return readiness_seen();
        std::error_code error;
        slot = registered(*core, error);
        if (slot == nullptr) return std::unexpected(error);
    }
    const std::uint64_t bits = bits_for(which);
    for (;;) {
        const std::uint64_t word = slot->state.look();
        if ((word & ready_bits::cancelled) != 0)
            return std::unexpected(std::make_error_code(std::errc::operation_canceled));
        if ((word & bits) != 0) return readiness_seen{word};
        if (self != nullptr) self->slot_ = slot;
        auto& place = self != nullptr ? self->place_ : which == direction::read ? slot->reader : slot->writer;
        if (slot->state.wait(place, bits, cx.waker())) return pending;
    }
}

event_slot* source::registered(pollux::detail::runtime_core& core, std::error_code& error) {
    pollux::detail::source_set* sources = nullptr;
    try {
        sources = &pollux::detail::reactor::of(core).sources();
    } catch (const task_cancelled&) {  // the runtime is ending
        error = std::make_error_code(std::errc::operation_canceled);
        return nullptr;
    } catch (const std::system_error& failure) {
        error = failure.code();
        return nullptr;
    }
    const pollux::detail::lock_scope guard(lock_);
    event_slot* slot = slot_.load(std::memory_order::relaxed);  // written under the lock
    if (slot != nullptr) return slot;
    slot = sources->add(descriptor_, error);
    slot_.store(slot, std::memory_order::release);  // pairs with the acquire in poll_in_line()
    return slot;
}

void source::would_block(direction which, readiness_seen seen) noexcept {
    if (event_slot* const slot = slot_.load(std::memory_order::acquire))  // pairs with the release in registered()
        slot->state.give_up(seen.word, which == direction::read ? ready_bits::readable | ready_bits::read_end
                                                                : ready_bits::writable | ready_bits::write_end);
    else
        was_blocked_.store(true, std::memory_order::relaxed);  // see poll_in_line()
}

void source::was_partial(direction which, readiness_seen seen) noexcept {
    if (event_slot* const slot = slot_.load(std::memory_order::acquire))  // pairs with the release in registered()
        slot->state.give_up(seen.word, which == direction::read ? ready_bits::readable : ready_bits::writable);
    else
        was_blocked_.store(true, std::memory_order::relaxed);  // see poll_in_line()
}

}  // namespace pollux::inline v0::net::detail

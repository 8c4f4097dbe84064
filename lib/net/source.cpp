// SPDX-License-Identifier: MIT
#include "pollux/net/source.hpp"

#include <unistd.h>

#include <new>

#include "driver/reactor.hpp"
#include "driver/ring_socket.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/runtime/errors.hpp"

namespace pollux::inline v0::net::detail {

using pollux::detail::event_slot;
using pollux::detail::ring_socket;

source_waiter::~source_waiter() {
    if (slot_ != nullptr) slot_->state.forget(place_);
}

source::source(source&& other) noexcept { swap(other); }

source::~source() {
    // Relaxed: nobody else uses it.
    if (event_slot* const slot = slot_.load(std::memory_order::relaxed); slot != nullptr && slot->socket != nullptr) {
        const bool is_closed_later = ring_socket::remove(*slot);
        slot_.store(nullptr, std::memory_order::relaxed);
        if (is_closed_later) return;
    }
    const int descriptor = release();
    if (descriptor >= 0 && is_owned_) ::close(descriptor);
}

source source::as(source_kind what) && noexcept {
    // It has waited as another kind, while it was connected say, and takes another place when it waits the next time.
    // Relaxed: nobody else uses it.
    const event_slot* const slot = slot_.load(std::memory_order::relaxed);
    source made(std::move(*this));
    if (slot != nullptr && slot->socket == nullptr && slot->home->has_ring()) {
        const bool is_owned = made.is_owned_;
        made = source(made.release(), is_owned);
    }
    made.kind_ = what;
    return made;
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
    std::swap(kind_, other.kind_);
    std::swap(is_shut_, other.is_shut_);
    // Relaxed, all: nobody else uses them.
    was_blocked_.store(
        other.was_blocked_.exchange(was_blocked_.load(std::memory_order::relaxed), std::memory_order::relaxed),
        std::memory_order::relaxed);
    slot_.store(other.slot_.exchange(slot_.load(std::memory_order::relaxed), std::memory_order::relaxed),
                std::memory_order::relaxed);
}

pollux::detail::runtime_core* source::core_of(context& cx) const {
    pollux::detail::runtime_core* const core =
        cx.runtime() != nullptr ? cx.runtime() : pollux::detail::current_runtime();
    // An operation that the end of its runtime leaves pending is often polled outside of any then.
    if (core == nullptr && (look().word & bits::cancelled) == 0)
        throw no_runtime("pollux: net: no runtime on this thread; poll it inside a task or runtime::block_on");
    return core;
}

// A runtime that has a ring has it from its beginning.
bool source::goes_through_ring(pollux::detail::runtime_core& core) const noexcept {
    return kind_ != source_kind::other && is_owned_ && core.options().io == io_driver::uring && !core.is_simulated();
}

ring_socket* source::enter_ring(context& cx, int& error) {
    pollux::detail::runtime_core* const core = core_of(cx);
    // Acquire: pairs with the release in registered().
    if (slot_.load(std::memory_order::acquire) == nullptr && goes_through_ring(*core)) registered(*core, error);
    return ring();
}

int source::wait_for(context& cx, direction which, readiness_seen& seen, source_waiter* self) {
    pollux::detail::debug_check(is_open(),
                                "pollux: net: a socket or descriptor was used after it was moved from or closed");
    pollux::detail::runtime_core* const core = core_of(cx);
    if (seen.is_worth_a_try(which)) return 0;
    event_slot* slot = slot_.load(std::memory_order::acquire);  // pairs with the release in registered()
    if (slot == nullptr) {
        int error = 0;
        slot = registered(*core, error);
        if (slot == nullptr) return error;
    }
    const std::uint64_t wanted = which == direction::read ? bits::for_reading : bits::for_writing;
    if (self != nullptr) self->slot_ = slot;
    for (;;) {
        seen.word = slot->state.look();
        if ((seen.word & bits::cancelled) != 0) return ECANCELED;
        if ((seen.word & wanted) != 0) return 0;
        if (self != nullptr ? slot->state.wait(self->place_, wanted, cx.waker()) : slot->state.wait(wanted, cx.waker()))
            return still_waiting;
    }
}

event_slot* source::registered(pollux::detail::runtime_core& core, int& error) {
    pollux::detail::reactor* reactor = nullptr;
    try {
        reactor = &pollux::detail::reactor::of(core);
    } catch (const task_cancelled&) {  // the runtime is ending
        error = ECANCELED;
        return nullptr;
    } catch (const std::system_error& failure) {
        error = failure.code().value();
        return nullptr;
    }
    const pollux::detail::lock_scope guard(lock_);
    event_slot* slot = slot_.load(std::memory_order::relaxed);  // written under the lock
    if (slot != nullptr) return slot;
    if (goes_through_ring(core)) {
        const auto kind = kind_ == source_kind::listener ? ring_socket::kind::listener : ring_socket::kind::stream;
        slot = ring_socket::add(*reactor->ring(), reactor->sources(), descriptor_, kind, error);
    } else {
        slot = reactor->sources().add(descriptor_, error, kind_ == source_kind::local_stream);
    }
    slot_.store(slot, std::memory_order::release);  // pairs with the acquires in look() and wait_for()
    return slot;
}

}  // namespace pollux::inline v0::net::detail

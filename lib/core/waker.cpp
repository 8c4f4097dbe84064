// SPDX-License-Identifier: MIT
// Wakers that are not a task's: made from a shared wakeable, and the one that wakes nobody.
#include "pollux/core/waker.hpp"

#include <atomic>
#include <cstddef>

namespace pollux::inline v0 {

wakeable::~wakeable() = default;

namespace {

struct shared_target {
    std::atomic<std::size_t> owners{1};
    std::shared_ptr<wakeable> target;

    explicit shared_target(std::shared_ptr<wakeable> to_wake) noexcept : target(std::move(to_wake)) {}
};

shared_target& target_of(void* data) noexcept { return *static_cast<shared_target*>(data); }

void drop_target(void* data) noexcept {
    // Release: our uses of the target; acquire: those of the others, before it is deleted. Partner: this line.
    if (target_of(data).owners.fetch_sub(1, std::memory_order::acq_rel) == 1) delete &target_of(data);
}

constexpr detail::waker_table shared_table{
    // Relaxed: whoever clones owns a count, so it cannot fall to zero meanwhile.
    [](void* data) noexcept { target_of(data).owners.fetch_add(1, std::memory_order::relaxed); },
    [](void* data) noexcept { target_of(data).target->wake(); },
    [](void* data) noexcept {
        target_of(data).target->wake();
        drop_target(data);
    },
    &drop_target,
    [](const void* data) noexcept -> const void* { return static_cast<const shared_target*>(data)->target.get(); },
};

constexpr detail::waker_table noop_table{
    [](void*) noexcept {},
    [](void*) noexcept {},
    [](void*) noexcept {},
    [](void*) noexcept {},
    [](const void*) noexcept -> const void* { return nullptr; },
};

// Never destroyed: futures in static objects may ask for it at any time.
union immortal_waker {
    constexpr immortal_waker() noexcept : nothing(0) {}
    ~immortal_waker() {}
    char nothing;
    waker value;
};

}  // namespace

waker make_waker(std::shared_ptr<wakeable> target) {
    return target != nullptr ? waker(new shared_target(std::move(target)), &shared_table) : waker();
}

const waker& noop_waker() noexcept {
    static immortal_waker noop;
    static const waker& made = *::new (static_cast<void*>(&noop.value)) waker(nullptr, &noop_table);
    return made;
}

}  // namespace pollux::inline v0

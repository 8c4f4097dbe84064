// SPDX-License-Identifier: MIT
// The wakers of the models: they unpark a thread of the model. The one field is plain memory, so that two threads at one slot are a data
// race, also where one of them drops the waker.
#pragma once

#include <cstddef>

#include "relacy_sync.hpp"

namespace pollux::model {

// Target: a parker; with `owners`, that is how many wakers of it live.
template <class Target>
class waker_of {
public:
    using target = Target;

    waker_of() noexcept = default;
    explicit waker_of(Target& who) noexcept : who_(&who) { count(1); }
    waker_of(const waker_of& other) noexcept : who_(other.who_.load()) { count(1); }
    waker_of(waker_of&& other) noexcept : who_(other.who_.load()) { other.who_.store(nullptr); }
    waker_of& operator=(waker_of other) noexcept {
        Target* const mine = who_.load();
        who_.store(other.who_.load());
        other.who_.store(mine);
        return *this;
    }
    ~waker_of() { count(-1); }

    void wake() const noexcept {
        if (Target* const who = who_.load()) who->unpark();
    }
    /// Takes over a count, as waker does.
    waker_of(Target* who, std::nullptr_t) noexcept : who_(who) {}
    void forget() noexcept { who_.store(nullptr); }
    Target* data() const noexcept { return who_.load(); }
    std::nullptr_t table() const noexcept { return nullptr; }
    bool is_clone_of(const waker_of& other) const noexcept { return will_wake(other); }
    bool will_wake(const waker_of& other) const noexcept { return who_.load() == other.who_.load(); }

private:
    void count(int n) {
        if constexpr (requires(Target& who) { who.owners; })
            if (Target* const who = who_.load()) who->owners.fetch_add(n, std::memory_order::relaxed);
    }

    relacy_sync::cell<Target*> who_{nullptr};
};

using parker_waker = waker_of<parker>;

struct counted_parker : parker {
    relacy_sync::atomic<int> owners{0};
};
using model_waker = waker_of<counted_parker>;

}  // namespace pollux::model

// SPDX-License-Identifier: MIT
// A waker for models of what wakes tasks: it unparks a thread of the model. Its one field is plain memory, so that two threads
// at one slot are a data race.
#pragma once

#include "relacy_sync.hpp"

namespace pollux::model {

class parker_waker {
public:
    parker_waker() noexcept = default;
    explicit parker_waker(parker& sleeper) noexcept : sleeper_(&sleeper) {}
    parker_waker(const parker_waker& other) noexcept : sleeper_(other.sleeper_.load()) {}
    parker_waker(parker_waker&& other) noexcept : sleeper_(other.sleeper_.load()) { other.sleeper_.store(nullptr); }
    parker_waker& operator=(parker_waker other) noexcept {
        parker* const mine = sleeper_.load();
        sleeper_.store(other.sleeper_.load());
        other.sleeper_.store(mine);
        return *this;
    }
    // Whoever drops a waker must be the only one at it.
    ~parker_waker() { sleeper_.store(nullptr); }

    void wake() const noexcept {
        if (parker* const sleeper = sleeper_.load()) sleeper->unpark();
    }
    bool will_wake(const parker_waker& other) const noexcept { return sleeper_.load() == other.sleeper_.load(); }

private:
    relacy_sync::cell<parker*> sleeper_{nullptr};
};

}  // namespace pollux::model

// SPDX-License-Identifier: MIT
// The waker of the models: it unparks a thread, and is counted.
#pragma once

#include "relacy_sync.hpp"

namespace pollux::model {

// Its one field is plain memory, so that two threads at one slot are a data race.
class model_waker {
public:
    struct target {
        parker sleeper;
        relacy_sync::atomic<int> owners{0};
    };

    model_waker() noexcept = default;
    explicit model_waker(target& who) noexcept : who_(&who) { count(1); }
    model_waker(const model_waker& other) noexcept : who_(other.who_.load()) { count(1); }
    model_waker(model_waker&& other) noexcept : who_(other.who_.load()) { other.who_.store(nullptr); }
    model_waker& operator=(model_waker other) noexcept {
        target* const mine = who_.load();
        who_.store(other.who_.load());
        other.who_.store(mine);
        return *this;
    }
    ~model_waker() { count(-1); }

    void wake() const noexcept {
        if (target* const who = who_.load()) who->sleeper.unpark();
    }
    bool will_wake(const model_waker& other) const noexcept { return who_.load() == other.who_.load(); }

private:
    void count(int n) {
        if (target* const who = who_.load()) who->owners.fetch_add(n, std::memory_order::relaxed);
    }

    relacy_sync::cell<target*> who_{nullptr};
};

}  // namespace pollux::model

// SPDX-License-Identifier: MIT
// What the property tests share: random inputs, a stream and a future that answer from them and are pending now and then, and a driver
// that polls to the end and sees that whoever was pending has seen to a wake-up of the latest waker.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"
#include "support/limited_poll.hpp"
#include "support/wake_counter.hpp"
#include "truth/journal.hpp"

namespace pollux::test {

struct fault {
    int code;
    bool operator==(const fault&) const = default;
};
inline std::string shown(const fault& f) { return "e" + std::to_string(f.code); }

/// One answer of a random source. One that is pending has woken the task when it answers, or waits until the bell is rung.
struct step {
    enum class kind : unsigned char { value, error, pending_woken, pending_waits };
    kind what;
    int number;
};
using script = std::vector<step>;

struct inputs {
    script first;
    script second;
    int n;      // 1 to 8
    int units;  // the budget of each poll; 0: not limited
};

/// Runs `holds` with random inputs, the same in each run unless the environment's RC_PARAMS says otherwise. It throws if the property does
/// not hold; the smallest such inputs that are found are reported as a failure of the test.
void check_property(const char* name, const std::function<void(const inputs&)>& holds);

struct mismatch : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class T>
void same(const T& got, const T& expected) {
    if (!(got == expected)) throw mismatch("got " + shown(got) + "\nexpected " + shown(expected));
}

/// Where those wait that are pending until there is an event. For one thread.
class bell {
public:
    int wait(const waker& latest) {
        waiting_.push_back({++last_, latest});
        return last_;
    }
    bool is_waiting(int ticket) const { return find(ticket) != waiting_.size(); }
    void replace(int ticket, const waker& latest) { waiting_[find(ticket)].latest = latest; }
    void leave(int ticket) {
        const std::size_t at = find(ticket);
        if (at != waiting_.size()) waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    /// Wakes one of them, not always the first. False: nobody waits.
    bool ring() {
        if (waiting_.empty()) return false;
        const std::size_t at = static_cast<std::size_t>(++rung_ * 7) % waiting_.size();
        const waker woken = waiting_[at].latest;
        waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(at));
        woken.wake();
        return true;
    }

private:
    struct place {
        int ticket;
        waker latest;
    };
    std::size_t find(int ticket) const {
        std::size_t at = 0;
        while (at != waiting_.size() && waiting_[at].ticket != ticket) ++at;
        return at;
    }

    std::vector<place> waiting_;
    int last_ = 0;
    int rung_ = 0;
};

/// Something that is pending now and then. Moved before it is polled only.
class pauses {
public:
    explicit pauses(bell& at) : bell_(&at) {}
    pauses(pauses&& other) noexcept : bell_(other.bell_), ticket_(std::exchange(other.ticket_, 0)) {}
    pauses& operator=(pauses&&) = delete;
    ~pauses() { bell_->leave(ticket_); }

    bool is_over(context& cx) {
        if (ticket_ == 0 || !bell_->is_waiting(ticket_)) return true;
        bell_->replace(ticket_, cx.waker());
        return false;
    }
    pending_t begin(context& cx, step::kind how) {
        if (how == step::kind::pending_woken)
            cx.waker().wake();
        else
            ticket_ = bell_->wait(cx.waker());
        return pending;
    }

private:
    bell* bell_;
    int ticket_ = 0;
};

class [[nodiscard]] noisy_stream {
public:
    using value_type = int;
    using error_type = fault;

    noisy_stream(bell& at, script steps) : pauses_(at), steps_(std::move(steps)) {}

    polled<std::optional<int>, fault> poll_next(context& cx) {
        if (has_ended_) throw mismatch("polled after its end");
        if (!pauses_.is_over(cx)) return pending;
        if (at_ == steps_.size()) {
            has_ended_ = true;
            return std::nullopt;
        }
        const step now = steps_[at_++];
        if (now.what == step::kind::value) return now.number;
        if (now.what == step::kind::error) return std::unexpected(fault{now.number});
        return pauses_.begin(cx, now.what);
    }

private:
    pauses pauses_;
    script steps_;
    std::size_t at_ = 0;
    bool has_ended_ = false;
};

/// Ready with `outcome` after as many pending answers as it is told.
template <class T>
class [[nodiscard]] noisy_future {
public:
    using value_type = T;
    using error_type = fault;

    noisy_future(bell& at, int pauses, std::expected<T, fault> outcome)
        : pauses_(at), left_(pauses), outcome_(std::move(outcome)) {}

    polled<T, fault> poll(context& cx) {
        if (!pauses_.is_over(cx)) return pending;
        if (left_-- > 0)
            return pauses_.begin(cx, left_ % 2 == 0 ? step::kind::pending_waits : step::kind::pending_woken);
        return std::move(outcome_);
    }

private:
    pauses pauses_;
    int left_;
    std::expected<T, fault> outcome_;
};

/// Polls with two wakers in turn, sometimes without a reason. Throws: mismatch if somebody is pending and wakes nobody, or does not end.
class driver {
public:
    explicit driver(int units) : units_(units) {}

    bell& at() { return bell_; }

    template <class Poll>
    auto until_ready(Poll poll) {
        for (int tries = 0; tries != 20'000; ++tries) {
            const wake_counter& latest = counters_[++polls_ % 2];
            const waker woken = latest.waker();
            const int before = latest.count();
            auto answer = poll_once(woken, poll);
            if (answer.is_ready()) return answer;
            if (polls_ % 5 == 0) continue;
            // One who waits may have answered ready all the same, as a buffer with room does: he has an older waker.
            while (latest.count() == before && bell_.ring()) {}
            if (latest.count() == before) throw mismatch("pending, and nothing wakes the latest waker");
        }
        throw mismatch("pending for ever");
    }

    /// All that a stream gives.
    template <class S>
    auto drain(S source) {
        using T = typename S::value_type;
        std::vector<std::expected<T, fault>> all;
        for (;;) {
            auto answer = until_ready([&](context& cx) { return source.poll_next(cx); });
            if (answer.has_error()) {
                if constexpr (!std::is_same_v<typename S::error_type, never>)
                    all.emplace_back(std::unexpect, std::move(answer.error()));
            } else if (answer.value().has_value()) {
                all.emplace_back(*std::move(answer.value()));
            } else {
                return all;
            }
        }
    }
    /// The outcome of a future, with `unit` for void.
    template <class F>
    auto finish(F fut) {
        using T = std::conditional_t<std::is_void_v<typename F::value_type>, unit, typename F::value_type>;
        auto answer = until_ready([&](context& cx) { return fut.poll(cx); });
        if constexpr (!std::is_same_v<typename F::error_type, never>)
            if (answer.has_error()) return std::expected<T, fault>(std::unexpect, std::move(answer.error()));
        return std::expected<T, fault>(std::move(answer.value()));
    }

private:
    template <class Poll>
    auto poll_once(const waker& woken, Poll& poll) {
        if (units_ != 0) return with_budget(units_, woken, poll);
        context cx(woken);
        return poll(cx);
    }

    bell bell_;
    wake_counter counters_[2];
    int units_;
    int polls_ = 0;
};

// --- what is expected, on vectors ------------------------------------------------------------------------------------------------

template <class T>
using answers = std::vector<std::expected<T, fault>>;

inline answers<int> plain(const script& steps) {
    answers<int> all;
    for (const step& each : steps) {
        if (each.what == step::kind::value) all.emplace_back(each.number);
        if (each.what == step::kind::error) all.emplace_back(std::unexpect, each.number);
    }
    return all;
}
template <class T>
std::vector<T> values(const answers<T>& all) {
    std::vector<T> only;
    for (const auto& each : all)
        if (each.has_value()) only.push_back(*each);
    return only;
}
/// All values, or the first error: what a consumer gets.
inline std::expected<std::vector<int>, fault> gathered(const answers<int>& all) {
    for (const auto& each : all)
        if (!each.has_value()) return std::unexpected(each.error());
    return values(all);
}

}  // namespace pollux::test

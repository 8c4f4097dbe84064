// SPDX-License-Identifier: MIT
// Futures and values for tests that watch a combinator: a future that a test completes by hand and that reports its
// polls, and a mark that writes down when it is destroyed.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

/// The test's side of one future. For one thread.
template <class T = void, class E = never>
class manual {
    struct state {
        std::optional<polled<T, E>> answer;
        std::exception_ptr exception;
        waker latest;
        int polls = 0;
        bool is_alive = true;
    };

public:
    class [[nodiscard]] future_type {
    public:
        using value_type = T;
        using error_type = E;

        explicit future_type(std::shared_ptr<state> shared) : state_(std::move(shared)) {}
        future_type(future_type&&) noexcept = default;
        future_type& operator=(future_type&&) = delete;
        ~future_type() {
            if (state_ != nullptr) state_->is_alive = false;
        }

        polled<T, E> poll(context& cx) {
            ++state_->polls;
            if (state_->exception != nullptr) std::rethrow_exception(state_->exception);
            if (state_->answer.has_value()) return std::move(*state_->answer);
            state_->latest = cx.waker();
            return pending;
        }

    private:
        std::shared_ptr<state> state_;
    };

    /// To be called once.
    future_type future() { return future_type(state_); }

    /// Wakes the waker of the latest poll, as a leaf does.
    void complete(polled<T, E> answer) {
        state_->answer.emplace(std::move(answer));
        wake();
    }
    template <class Exception>
    void complete_by_throwing(Exception exception) {
        state_->exception = std::make_exception_ptr(std::move(exception));
        wake();
    }
    void wake() { std::exchange(state_->latest, waker()).wake(); }

    /// The waker of the latest poll, kept as a leaf may keep it.
    waker kept_waker() const { return state_->latest; }
    int polls() const { return state_->polls; }
    bool is_alive() const { return state_->is_alive; }

private:
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

/// Writes its name into a log when it is destroyed; a moved-from one does not.
class mark {
public:
    mark(std::vector<std::string>& log, std::string name) : log_(&log), name_(std::move(name)) {}
    mark(mark&& other) noexcept : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}
    mark& operator=(mark&&) = delete;
    ~mark() {
        if (log_ != nullptr) log_->push_back(name_);
    }

private:
    std::vector<std::string>* log_;
    std::string name_;
};

/// A future that is ready in its `polls`-th poll and carries a mark.
class [[nodiscard]] marked_future {
public:
    using value_type = int;
    using error_type = never;

    marked_future(mark destroyed, int polls, int value) : mark_(std::move(destroyed)), polls_(polls), value_(value) {}

    polled<int> poll(context& cx) {
        if (--polls_ > 0) {
            cx.waker().wake();
            return pending;
        }
        return value_;
    }

private:
    mark mark_;
    int polls_;
    int value_;
};

}  // namespace pollux::test

// SPDX-License-Identifier: MIT
// A stream for tests that watch an adapter: the test gives its answers by hand, before they are asked for or while the
// stream is pending, and sees how often it was polled and whether it lives.
#pragma once

#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

/// The test's side of one stream. For one thread.
template <class T, class E = never>
class manual_stream {
    using answer = polled<std::optional<T>, E>;

    struct state {
        std::deque<answer> answers;  // a pending one stands for an exception
        std::deque<std::exception_ptr> exceptions;
        waker latest;
        int polls = 0;
        bool has_ended = false;
        bool is_alive = true;
    };

public:
    class [[nodiscard]] stream_type {
    public:
        using value_type = T;
        using error_type = E;

        explicit stream_type(std::shared_ptr<state> shared) : state_(std::move(shared)) {}
        stream_type(stream_type&&) noexcept = default;
        stream_type& operator=(stream_type&&) = delete;
        ~stream_type() {
            if (state_ != nullptr) state_->is_alive = false;
        }

        answer poll_next(context& cx) {
            ++state_->polls;
            if (state_->answers.empty()) {
                if (state_->has_ended) return answer::ready();
                state_->latest = cx.waker();
                return pending;
            }
            answer next = std::move(state_->answers.front());
            state_->answers.pop_front();
            if (next.is_ready()) return next;
            auto exception = std::move(state_->exceptions.front());
            state_->exceptions.pop_front();
            std::rethrow_exception(std::move(exception));
        }

    private:
        std::shared_ptr<state> state_;
    };

    /// To be called once.
    stream_type stream() { return stream_type(state_); }

    /// Each is one answer, in order, and wakes the waker of the latest poll, as a leaf does.
    void give(T item) {
        state_->answers.push_back(answer::ready(std::in_place, std::move(item)));
        wake();
    }
    template <class Error>
    void fail(Error error) {
        state_->answers.push_back(answer::failed(std::move(error)));
        wake();
    }
    template <class Exception>
    void give_by_throwing(Exception exception) {
        state_->exceptions.push_back(std::make_exception_ptr(std::move(exception)));
        state_->answers.push_back(pending);
        wake();
    }
    /// After what has been given: it is at its end from then on.
    void end() {
        state_->has_ended = true;
        wake();
    }
    void wake() { std::exchange(state_->latest, waker()).wake(); }

    int polls() const { return state_->polls; }
    bool is_alive() const { return state_->is_alive; }

private:
    std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace pollux::test

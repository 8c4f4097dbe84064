// SPDX-License-Identifier: MIT
// A stream whose items a test gives by hand, and that says how often it was polled and whether it lives.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

/// The test's side of one stream. For one thread.
template <class T, class E = never>
class manual_stream {
    using answer = polled<std::optional<T>, E>;

    struct state {
        std::deque<answer> answers;  // pending: the next poll throws `exception`
        std::exception_ptr exception;
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
            if (next.is_pending()) std::rethrow_exception(std::exchange(state_->exception, nullptr));
            return next;
        }

    private:
        std::shared_ptr<state> state_;
    };

    /// To be called once.
    stream_type stream() { return stream_type(state_); }

    /// Each wakes the waker of the latest poll, as a leaf does.
    void give(T item) { add(answer::ready(std::in_place, std::move(item))); }
    template <class G>
    void fail(G error) {
        add(answer::failed(std::move(error)));
    }
    template <class Exception>
    void throw_next(Exception exception) {
        state_->exception = std::make_exception_ptr(std::move(exception));
        add(pending);
    }
    /// After the items that were given.
    void end() {
        state_->has_ended = true;
        std::exchange(state_->latest, waker()).wake();
    }

    int polls() const { return state_->polls; }
    bool is_alive() const { return state_->is_alive; }
    /// Items and errors that nobody has taken.
    std::size_t left() const { return state_->answers.size(); }

private:
    void add(answer next) {
        state_->answers.push_back(std::move(next));
        std::exchange(state_->latest, waker()).wake();
    }

    std::shared_ptr<state> state_ = std::make_shared<state>();
};

}  // namespace pollux::test

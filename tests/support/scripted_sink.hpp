// SPDX-License-Identifier: MIT
// A sink for tests. It holds up to `capacity` items that were started, and writes them out when it is flushed, closed, or
// full and asked whether it is ready; while it is shut it writes nothing out and answers pending instead. Errors and
// exceptions are put in by hand. It throws if it is used against the contract of sinks.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

/// The test's side of one sink. For one thread.
template <class T, class E = never>
class scripted_sink {
    using answer = polled<void, E>;
    // `never` has no objects to fail with.
    using error = std::conditional_t<std::is_same_v<E, never>, unit, E>;

    struct state {
        std::size_t capacity;
        std::vector<T> held;
        std::vector<T> written;
        std::optional<error> poll_error;
        std::optional<error> start_error;
        std::exception_ptr exception;
        waker latest;
        int ready_polls = 0;
        int flush_polls = 0;
        int close_polls = 0;
        bool is_shut = false;
        bool is_ready = false;  // start_send is allowed
        bool is_closed = false;
        bool is_alive = true;
    };

public:
    class [[nodiscard]] sink_type {
    public:
        using item_type = T;
        using error_type = E;

        explicit sink_type(std::shared_ptr<state> shared) : state_(std::move(shared)) {}
        sink_type(sink_type&&) noexcept = default;
        sink_type& operator=(sink_type&&) = delete;
        ~sink_type() {
            if (state_ != nullptr) state_->is_alive = false;
        }

        answer poll_ready(context& cx) {
            ++state_->ready_polls;
            if (auto stopped = scripted()) return *std::move(stopped);
            if (state_->is_closed) throw std::logic_error("poll_ready of a closed sink");
            if (state_->held.size() >= state_->capacity && !write_out(cx)) return pending;
            state_->is_ready = true;
            return answer::ready();
        }
        outcome<void, E> start_send(T item) {
            if (!std::exchange(state_->is_ready, false))
                throw std::logic_error("start_send of a sink that is not ready");
            if constexpr (!std::is_same_v<E, never>) {
                if (state_->start_error.has_value()) {
                    E refused = *std::move(state_->start_error);
                    state_->start_error.reset();
                    return std::unexpected(std::move(refused));
                }
            }
            state_->held.push_back(std::move(item));
            return answer::ready().take();
        }
        answer poll_flush(context& cx) {
            ++state_->flush_polls;
            if (auto stopped = scripted()) return *std::move(stopped);
            return write_out(cx) ? answer::ready() : answer(pending);
        }
        answer poll_close(context& cx) {
            ++state_->close_polls;
            if (auto stopped = scripted()) return *std::move(stopped);
            if (std::exchange(state_->is_closed, true) && state_->held.empty() && !state_->is_shut)
                throw std::logic_error("poll_close after it was ready");
            return write_out(cx) ? answer::ready() : answer(pending);
        }

    private:
        std::optional<answer> scripted() {
            if (state_->exception != nullptr) std::rethrow_exception(std::exchange(state_->exception, nullptr));
            if constexpr (!std::is_same_v<E, never>) {
                if (state_->poll_error.has_value()) {
                    E failed = *std::move(state_->poll_error);
                    state_->poll_error.reset();
                    return answer::failed(std::move(failed));
                }
            }
            return std::nullopt;
        }
        bool write_out(context& cx) {
            if (state_->is_shut && (!state_->held.empty() || state_->is_closed)) {
                state_->latest = cx.waker();
                return false;
            }
            for (T& item : state_->held) state_->written.push_back(std::move(item));
            state_->held.clear();
            return true;
        }

        std::shared_ptr<state> state_;
    };

    /// At least 1.
    explicit scripted_sink(std::size_t capacity = 1) : state_(std::make_shared<state>()) {
        state_->capacity = capacity;
    }

    /// To be called once.
    sink_type sink() { return sink_type(state_); }

    void shut() { state_->is_shut = true; }
    /// Wakes the waker of the latest poll that was pending.
    void open() {
        state_->is_shut = false;
        std::exchange(state_->latest, waker()).wake();
    }
    /// The next poll of any kind fails.
    void fail_next_poll(error failed) { state_->poll_error = std::move(failed); }
    /// The next start_send fails, and the item is lost.
    void fail_next_start(error failed) { state_->start_error = std::move(failed); }
    template <class Exception>
    void throw_next_poll(Exception exception) {
        state_->exception = std::make_exception_ptr(std::move(exception));
    }

    /// Started and not written out.
    const std::vector<T>& held() const { return state_->held; }
    const std::vector<T>& written() const { return state_->written; }
    int ready_polls() const { return state_->ready_polls; }
    int flush_polls() const { return state_->flush_polls; }
    int close_polls() const { return state_->close_polls; }
    /// Closing has begun.
    bool is_closed() const { return state_->is_closed; }
    bool is_alive() const { return state_->is_alive; }

private:
    std::shared_ptr<state> state_;
};

}  // namespace pollux::test

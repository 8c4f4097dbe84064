// SPDX-License-Identifier: MIT
// What a task ended with, on its way to whoever waits for it: nothing yet, a value, an error, an exception, or that it was
// cancelled. A coroutine writes it into its awaiter or, if it was spawned, in front of its own frame; a join handle takes it.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

enum class result_state : std::uint8_t { empty, value, error, exception, cancelled };

/// Throws `task_cancelled`. Out of line, so that core need not know the exception's header.
[[noreturn]] POLLUX_API void throw_task_cancelled();

// g++ 12 thinks at -O2 that the members of a moved std::expected may be uninitialised, in frames of users' coroutines.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

// Written once and taken once. Not copied or moved: whoever writes it knows its place.
template <class T, class E>
class result {
public:
    using value_type = std::conditional_t<std::is_void_v<T>, unit, T>;
    /// Only an exception has to be destroyed.
    static constexpr bool is_plain =
        std::is_trivially_destructible_v<value_type> && std::is_trivially_destructible_v<E>;

    result() noexcept {}
    result(const result&) = delete;
    result& operator=(const result&) = delete;
    ~result() { destroy(state_); }

    template <class... Args>
    void set_value(Args&&... args) {
        make_room();
        put_value(std::forward<Args>(args)...);
    }
    template <class... Args>
    void set_error(Args&&... args) {
        make_room();
        put_error(std::forward<Args>(args)...);
    }
    // An exception may arrive after a value: a destructor of a local that throws behind co_return.
    void set_exception(std::exception_ptr exception) noexcept {
        reset();
        ::new (static_cast<void*>(std::addressof(exception_))) std::exception_ptr(std::move(exception));
        state_ = result_state::exception;
    }
    void set_cancelled() noexcept {
        reset();
        state_ = result_state::cancelled;
    }
    /// Of an empty one.
    void set(polled<T, E>&& from) {
        if (from.has_value()) {
            if constexpr (std::is_void_v<T>)
                put_value();
            else
                put_value(std::move(from.value()));
        } else {
            if constexpr (!std::is_same_v<E, never>) put_error(std::move(from.error()));
        }
    }
    /// Of an empty one.
    void take_over(result& from) {
        switch (from.state_) {
            case result_state::value: put_value(std::move(from.value_)); break;
            case result_state::error: put_error(std::move(from.error_)); break;
            case result_state::exception: set_exception(std::move(from.exception_)); break;
            case result_state::empty:
            case result_state::cancelled: state_ = from.state_; break;
        }
    }

    result_state state() const noexcept { return state_; }
    value_type& value() noexcept { return value_; }
    E& error() noexcept { return error_; }
    std::exception_ptr& exception() noexcept { return exception_; }

    // A task<void, E> that fell off its end has left nothing: that counts as success.
    outcome<T, E> take() {
        if (state_ > result_state::error) [[unlikely]]
            rethrow();
        if constexpr (std::is_same_v<E, never>) {
            if constexpr (!std::is_void_v<T>) return std::move(value_);
        } else {
            if (state_ == result_state::error) return outcome<T, E>(std::unexpect, std::move(error_));
            if constexpr (std::is_void_v<T>)
                return outcome<T, E>();
            else
                return outcome<T, E>(std::in_place, std::move(value_));
        }
    }
    polled<T, E> take_polled() {
        if (state_ > result_state::error) [[unlikely]]
            rethrow();
        if constexpr (!std::is_same_v<E, never>)
            if (state_ == result_state::error) return polled<T, E>::failed(std::move(error_));
        if constexpr (std::is_void_v<T>)
            return polled<T, E>::ready();
        else
            return polled<T, E>::ready(std::move(value_));
    }

    /// Of one that holds no exception.
    void drop() noexcept {
        if constexpr (!is_plain) reset();
    }
    void reset() noexcept { destroy(std::exchange(state_, result_state::empty)); }

private:
    template <class... Args>
    void put_value(Args&&... args) {
        // The cast keeps users' -Wsign-conversion quiet about `co_return 1;` in a task of an unsigned number.
        if constexpr (std::is_arithmetic_v<value_type>)
            ::new (static_cast<void*>(std::addressof(value_))) value_type(static_cast<value_type>(args)...);
        else
            ::new (static_cast<void*>(std::addressof(value_))) value_type(std::forward<Args>(args)...);
        state_ = result_state::value;
    }
    template <class... Args>
    void put_error(Args&&... args) {
        if constexpr (!std::is_same_v<E, never>) {
            ::new (static_cast<void*>(std::addressof(error_))) E(std::forward<Args>(args)...);
            state_ = result_state::error;
        }
    }
    // A body may catch what a destructor has thrown behind its co_return, and end another way.
    void make_room() noexcept {
        if constexpr (!is_plain)
            if (state_ != result_state::empty) [[unlikely]]
                reset();
    }
    // Of a value and an error that need no destroying one comparison is left, which knows the answer behind a take().
    void destroy(result_state state) noexcept {
        switch (state) {
            case result_state::value: value_.~value_type(); break;
            case result_state::error: error_.~E(); break;
            case result_state::exception: exception_.~exception_ptr(); break;
            case result_state::empty:
            case result_state::cancelled: break;
        }
    }
    [[noreturn, gnu::noinline, gnu::cold]] void rethrow() {
        if (state_ == result_state::exception) std::rethrow_exception(std::move(exception_));
        throw_task_cancelled();
    }

    union {
        value_type value_;
        E error_;
        std::exception_ptr exception_;
    };
    result_state state_ = result_state::empty;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace pollux::inline v0::detail

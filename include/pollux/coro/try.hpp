// SPDX-License-Identifier: MIT
// try_(x): co_await it for the value; an error ends the enclosing coroutine with that error. The coroutine is not unwound by an
// exception: its frame is destroyed where it waits, and whoever resumed it sees that it has ended.
#pragma once

#include <coroutine>
#include <exception>
#include <expected>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/await.hpp"
#include "pollux/coro/frame.hpp"

namespace pollux::inline v0 {

namespace detail {

// Where a finished future keeps its error: in its own error; else in a value that is an expected, or an optional of one.
template <class T, class E>
struct try_shape {
    using value_type = T;
    using error_type = E;
    static constexpr bool looks_into_value = false;
};
template <class V, class X>
struct try_shape<std::expected<V, X>, never> {
    using value_type = V;
    using error_type = X;
    static constexpr bool looks_into_value = true;
    static bool is_error(const std::expected<V, X>& answer) noexcept { return !answer.has_value(); }
    static X& error(std::expected<V, X>& answer) noexcept { return answer.error(); }
    static V value(std::expected<V, X>& answer) {
        if constexpr (!std::is_void_v<V>) return *std::move(answer);
    }
};
template <class V, class X>
struct try_shape<std::optional<std::expected<V, X>>, never> {
    using value_type = std::optional<or_unit<V>>;
    using error_type = X;
    static constexpr bool looks_into_value = true;
    static bool is_error(const std::optional<std::expected<V, X>>& answer) noexcept {
        return answer.has_value() && !answer->has_value();
    }
    static X& error(std::optional<std::expected<V, X>>& answer) noexcept { return answer->error(); }
    static value_type value(std::optional<std::expected<V, X>>& answer) {
        if (!answer.has_value()) return std::nullopt;
        if constexpr (std::is_void_v<V>)
            return unit();
        else
            return value_type(**std::move(answer));
    }
};

// A finished answer as try_ sees it; `Answer` is a polled or a result that holds a value or an error.
template <class T, class E, class Answer>
struct try_view {
    using shape = try_shape<T, E>;
    static bool is_error(Answer& answer, bool has_error) noexcept {
        if constexpr (shape::looks_into_value)
            return shape::is_error(answer.value());
        else
            return has_error;
    }
    static typename shape::error_type& error(Answer& answer) noexcept {
        if constexpr (shape::looks_into_value)
            return shape::error(answer.value());
        else
            return answer.error();
    }
    static typename shape::value_type value(Answer& answer) {
        if constexpr (shape::looks_into_value)
            return shape::value(answer.value());
        else if constexpr (!std::is_void_v<T>)
            return std::move(answer.value());
    }
};

// A future that is ready at once, for try_ of an expected or an unexpected.
template <class T, class E>
class settled {
public:
    using value_type = T;
    using error_type = E;
    explicit settled(polled<T, E> answer) : answer_(std::move(answer)) {}
    polled<T, E> poll(context&) { return std::move(answer_); }

private:
    polled<T, E> answer_;
};

}  // namespace detail

/// What try_ gives to co_await. F is a reference where try_ was given an lvalue, which is polled in place.
template <class F>
class [[nodiscard]] try_awaitable {
public:
    explicit try_awaitable(F&& inner) : inner_(std::forward<F>(inner)) {}
    std::remove_reference_t<F>& inner() noexcept { return inner_; }

private:
    F inner_;
};

/// `co_await try_(x)`: the value of `x`; an error of `x` ends the enclosing coroutine with it, converted implicitly to the
/// coroutine's error type. `x` is a future, a std::expected or a std::unexpected. A future that cannot fail but whose value
/// is a std::expected, or an optional of one, is looked into, so that `try_(next(s))` gives an optional item.
///
/// Throws: what `x` throws. An error destroys the coroutine's locals where it stands: if one throws then, and the coroutine catches that,
/// the error is lost.
/// Cancel: as `x`.
/// Cost: as `co_await x`.
template <class F>
auto try_(F&& fut) {
    static_assert(
        future<F>,
        "pollux: try_: the argument is neither a future nor a std::expected or std::unexpected; a future needs "
        "value_type, error_type and poll(context&)");
    if constexpr (future<F>)
        return try_awaitable<F>(std::forward<F>(fut));
    else
        detail::require_future<F>();
}
template <class T, class E>
auto try_(std::expected<T, E> outcome) {
    using ready = detail::settled<T, E>;
    return try_awaitable<ready>(ready(detail::answer_of(std::move(outcome))));
}
template <class E>
auto try_(std::unexpected<E> error) {
    using ready = detail::settled<never, E>;
    return try_awaitable<ready>(ready(polled<never, E>(std::move(error))));
}

namespace detail {

template <class X>
inline constexpr bool is_try_awaitable = false;
template <class F>
inline constexpr bool is_try_awaitable<try_awaitable<F>> = true;

template <class F, class Promise>
class try_future_awaiter : polling_awaiter<F> {
    using answer_type = polling_awaiter<F>::answer_type;
    using view = try_view<typename F::value_type, typename F::error_type, answer_type>;

public:
    [[gnu::always_inline]] try_future_awaiter(F& fut, Promise& promise) : polling_awaiter<F>(fut, promise) {}

    bool await_ready() { return this->is_ready_at_once() && !is_error(this->answer()); }
    void await_suspend(std::coroutine_handle<Promise> waiting) {
        if (!this->is_answered()) return this->wait(waiting, &poll_this_again);
        if constexpr (can_fail) waiting.promise().end_with(std::move(view::error(this->answer())));
        waiting.destroy();
    }
    typename view::shape::value_type await_resume() { return view::value(this->answer()); }

private:
    static constexpr bool can_fail = !std::is_same_v<typename view::shape::error_type, never>;

    static bool is_error(answer_type& from) noexcept { return can_fail && view::is_error(from, from.has_error()); }

    static wait_end poll_this_again(suspension_point& point, context& cx) noexcept {
        auto& self = static_cast<try_future_awaiter&>(point);
        const wait_end end = self.poll_once_more(cx, [&self] {
            if (!is_error(self.answer())) return wait_end::ready;
            if constexpr (can_fail)
                std::coroutine_handle<Promise>::from_address(self.frame)
                    .promise()
                    .end_with(std::move(view::error(self.answer())));
            return wait_end::ended;
        });
        return end == wait_end::ended ? end_waiting(point) : end;
    }
};

template <class T, class E, class Promise>
class try_task_awaiter : task_awaiter_base<T, E>, suspension_point {
    using view = try_view<T, E, result<T, E>>;

public:
    try_task_awaiter(task<T, E>& awaited, Promise& promise) noexcept
        : task_awaiter_base<T, E>(awaited, promise), promise_of_error_(promise) {}

    bool await_ready() { return this->ready_at_once() && !is_error(); }
    bool await_suspend(std::coroutine_handle<> waiting) {
        this->frame = waiting.address();
        if (this->slot_.state() == result_state::empty) [[likely]] {
            if (this->awaited_.is_started()) [[unlikely]] {
                this->poll_again = &poll_this_again;
                suspend_unit(this->promise_, *this);
                return true;
            }
            this->poll_again = &child_ended;
            auto* const point = static_cast<suspension_point*>(this);
            if (this->start(up_to(point, frame_kind::awaited_point), *point, &child_goes_on)) return true;
            if (!is_error()) [[likely]] {
                if (may_go_on(this->promise_)) [[likely]]
                    return false;
                suspend_unit(this->promise_, *this);  // child_ended() is asked again, and finds no error
                return true;
            }
        }
        if constexpr (can_fail) promise_of_error_.end_with(std::move(view::error(this->slot_)));
        waiting.destroy();
        return true;
    }
    typename view::shape::value_type await_resume() {
        if (this->slot_.state() > result_state::error) [[unlikely]]
            (void)this->slot_.take();
        return view::value(this->slot_);
    }

private:
    static constexpr bool can_fail = !std::is_same_v<typename view::shape::error_type, never>;

    bool is_error() noexcept {
        if (this->slot_.state() > result_state::error) return false;
        if constexpr (!can_fail)
            return false;
        else if constexpr (view::shape::looks_into_value)
            return view::is_error(this->slot_, false);
        else
            return this->slot_.state() == result_state::error;
    }
    // It has not started yet, and is what its point stands for; from here on that is asked when it has ended.
    static wait_end child_goes_on(suspension_point& point, context&) noexcept {
        auto& self = static_cast<try_task_awaiter&>(point);
        promise_at(point.frame).up = up_to(&point, frame_kind::awaited_point);
        point.frame = self.promise_.frame();
        point.poll_again = &child_ended;
        return wait_end::ready;
    }
    static wait_end child_ended(suspension_point& point, context&) noexcept {
        auto& self = static_cast<try_task_awaiter&>(point);
        if (!self.is_error()) return wait_end::ready;
        try {
            if constexpr (can_fail) self.promise_of_error_.end_with(std::move(view::error(self.slot_)));
        } catch (...) {
            self.slot_.set_exception(std::current_exception());
            return wait_end::ready;
        }
        return end_waiting(point);
    }
    static wait_end poll_this_again(suspension_point& point, context& cx) noexcept {
        return static_cast<try_task_awaiter&>(point).poll_started(cx) ? child_ended(point, cx) : wait_end::pending;
    }

    Promise& promise_of_error_;
};

// Throws: what the future throws, where its awaiter polls it.
template <class F, class Promise>
[[gnu::always_inline]] inline auto make_try_awaiter(try_awaitable<F>& awaitable, Promise& promise) {
    using X = std::remove_reference_t<F>;
    using shape = try_shape<typename X::value_type, typename X::error_type>;
    static_assert(!std::is_const_v<X>, "pollux: try_: a const future cannot be polled; pass a non-const one");
    static_assert(
        std::is_same_v<typename shape::error_type, never> || !std::is_same_v<typename Promise::error_type, never>,
        "pollux: try_: the enclosing coroutine cannot fail; give it an error type: task<T, E>");
    static_assert(
        std::is_same_v<typename shape::error_type, never> ||
            std::is_convertible_v<typename shape::error_type, typename Promise::error_type>,
        "pollux: try_: the error does not convert to the enclosing coroutine's error type; use map_err first");
    refuse_over_aligned<F>();
    if constexpr (is_task<X>)
        return try_task_awaiter<typename X::value_type, typename X::error_type, Promise>(awaitable.inner(), promise);
    else
        return try_future_awaiter<X, Promise>(awaitable.inner(), promise);
}

}  // namespace detail
}  // namespace pollux::inline v0

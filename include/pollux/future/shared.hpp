// SPDX-License-Identifier: MIT
// `shared_future` and `shared`: one future that many await. Who polls it and who is woken is argued in
// lib/future/shared.cpp; here stands what depends on the types: the future, its result, and how an owner gets at it.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/own.hpp"
#include "pollux/future/detail/pipe.hpp"
#include "pollux/future/detail/shared_owner.hpp"
#include "pollux/future/detail/slot.hpp"

namespace pollux::inline v0 {

namespace detail {

// In the place of the block. Touched by the owner that polls, until the result is there; then read by all.
template <class T, class E>
struct shared_state {
    shared_state() = default;
    shared_state(const shared_state&) = delete;
    shared_state& operator=(const shared_state&) = delete;
    virtual ~shared_state() = default;
    /// True: the result is there, and the future has been destroyed.
    virtual bool poll(context& cx) noexcept = 0;
    virtual polled<T, E>& answer() noexcept = 0;

    std::exception_ptr exception;  // instead of an answer
};

template <class F, class T, class E>
struct shared_state_of final : shared_state<T, E> {
    template <class X>
    explicit shared_state_of(X&& x) : place(detail::own(std::forward<X>(x))) {}

    bool poll(context& cx) noexcept override {
        try {
            polled<T, E> result = place.first().poll(cx);
            if (result.is_pending()) return false;
            place.advance([&]() -> polled<T, E>&& { return std::move(result); });
        } catch (...) {
            place.reset();
            this->exception = std::current_exception();
        }
        return true;
    }
    polled<T, E>& answer() noexcept override { return place.second(); }

    stages<F, polled<T, E>> place;
};

}  // namespace detail

/// An owner of a future that has many: each copy is a future of the same outcome, which it gets as a copy (the last to be
/// awaited gets the original). Made by `shared`. A copy may be made, of any owner, while one has not been awaited to its
/// end. It may be moved at any time; moved from, it can only be destroyed and assigned to.
///
/// Errors: those of the future. Throws: what it threw, each owner the same exception; what copying the outcome throws.
/// Threads: the owners are used from any thread, at the same time; each of them by one. The future is polled by whichever
/// owner is polled, in the runtime of that one, so it is in another thread from time to time; it is destroyed when it is
/// ready.
/// Cancel: dropping an owner takes nothing from the others, whichever polled last. Dropping the last destroys the future,
/// or the outcome.
/// Cost: one allocation in all, and a short lock a poll. A wake-up of the future wakes every owner that waits: let one of
/// many steps be a task, `shared(spawn(fut))`. One unit of the poll's budget for an outcome that was there.
template <class T = void, class E = never>
class [[nodiscard]] shared_future {
    static_assert(std::is_void_v<T> || std::is_copy_constructible_v<T>,
                  "pollux: shared_future: the value cannot be copied; each owner gets a copy of it");
    static_assert(std::is_copy_constructible_v<E>,
                  "pollux: shared_future: the error cannot be copied; each owner gets a copy of it");
    using state = detail::shared_state<T, E>;

public:
    using value_type = T;
    using error_type = E;

    shared_future(const shared_future&) noexcept = default;
    shared_future(shared_future&&) noexcept = default;
    shared_future& operator=(shared_future other) noexcept {
        leave();
        owner_ = std::move(other.owner_);
        return *this;
    }
    ~shared_future() { leave(); }

    polled<T, E> poll(context& cx) {
        detail::debug_check(
            owner_.is_counted(),
            "pollux: shared: polled after it was ready, moved from, or copied when every owner had been "
            "awaited to its end; keep one that has not been awaited");
        if (!owner_.is_counted()) return pending;
        switch (owner_.begin(cx.waker())) {
            case detail::shared_turn::wait: return pending;
            case detail::shared_turn::poll:
                if (!poll_inner(cx)) {
                    owner_.end_pending(cx.waker());
                    return pending;
                }
                owner_.end_ready();
                break;
            case detail::shared_turn::give:
                if (!cx.consume_budget()) return pending;
                break;
        }
        return give();
    }

private:
    template <class X>
    friend auto shared(X&& x);

    template <class F>
    using state_of = detail::shared_state_of<F, T, E>;

    template <class F, class X>
    shared_future(std::in_place_type_t<F>, X&& x) : owner_(sizeof(state_of<F>), alignof(state_of<F>)) {
        // The base comes first: its place is where the owners look for it.
        state* const made = ::new (owner_.place()) state_of<F>(std::forward<X>(x));
        detail::debug_check(static_cast<void*>(made) == owner_.place(), "pollux: shared: the base is not at the start");
    }

    state& inner() noexcept { return *std::launder(static_cast<state*>(owner_.place())); }

    bool poll_inner(context& cx) noexcept {
        struct poll_waker {
            ~poll_waker() { waker.forget(); }
            pollux::waker waker;
        };
        const poll_waker own{owner_.uncounted()};
        context inner_cx = cx.with_waker(own.waker);
        return inner().poll(inner_cx);
    }

    polled<T, E> give() {
        struct leaving {
            ~leaving() {
                if (is_last) {
                    std::destroy_at(std::addressof(self.inner()));
                } else {
                    self.leave();
                }
            }
            shared_future& self;
            bool is_last;
        };
        const leaving whatever_happens{*this, owner_.leave_if_last()};
        state& here = inner();
        if (here.exception != nullptr) std::rethrow_exception(here.exception);
        if (whatever_happens.is_last) return std::move(here.answer());
        return std::as_const(here.answer());
    }

    void leave() noexcept {
        if (owner_.leave()) std::destroy_at(std::addressof(inner()));
    }

    detail::shared_owner owner_;
};

/// The first owner of `x`, which many can await then: see `shared_future`.
///
/// Throws: std::bad_alloc. Cost: one allocation.
template <class X>
auto shared(X&& x) {
    static_assert(future<X>,
                  "pollux: shared: the argument is not a future; it needs value_type, error_type and poll(context&)");
    if constexpr (!future<X>) {
        detail::require_future<X>();
    } else {
        using value = detail::value_type_of<X>;
        using error = detail::error_type_of<X>;
        static_assert(!stream<X>,
                      "pollux: shared: the argument is both a future and a stream; wrap the one that is meant");
        constexpr bool copies =
            (std::is_void_v<value> || std::is_copy_constructible_v<value>) && std::is_copy_constructible_v<error>;
        static_assert(
            copies,
            "pollux: shared: the value or the error cannot be copied, and each owner gets a copy; map it to a "
            "std::shared_ptr");
        if constexpr (copies) {
            return shared_future<value, error>(std::in_place_type<detail::owned<X>>, std::forward<X>(x));
        }
    }
}

namespace detail {

struct shared_op {
    template <class X>
    auto operator()(X&& x) const {
        return pollux::shared(std::forward<X>(x));
    }
};

}  // namespace detail

inline detail::bare_pipe<detail::shared_op> shared() noexcept { return {}; }

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// task_local: a value that all code below one future can ask for, on whatever thread it is polled. How values travel stands in
// core/task_locals.hpp.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/task_locals.hpp"
#include "pollux/future/detail/own.hpp"

namespace pollux::inline v0 {

namespace detail {

template <class T, class F>
class [[nodiscard]] task_local_scope {
public:
    using value_type = typename F::value_type;
    using error_type = typename F::error_type;

    task_local_scope(const void* key, T&& value, F fut) : key_(key), value_(std::move(value)), fut_(std::move(fut)) {}
    task_local_scope(task_local_scope&& other) noexcept(std::is_nothrow_move_constructible_v<T> &&
                                                        std::is_nothrow_move_constructible_v<F>)
        : key_(other.key_), value_(std::move(other.value_)), fut_(std::move(other.fut_)) {}
    task_local_scope(const task_local_scope& other)
        requires std::is_copy_constructible_v<T> && std::is_copy_constructible_v<F>
        : key_(other.key_), value_(other.value_), fut_(other.fut_) {}
    task_local_scope& operator=(const task_local_scope&) = delete;
    ~task_local_scope() {
        call_with_locals(link(), nullptr, [this] { fut_.reset(); });
    }

    polled<value_type, error_type> poll(context& cx) {
        return call_with_locals(link(), &cx, [this, &cx] { return fut_->poll(cx); });
    }

private:
    // As it is to be in this poll, or this destruction: it was in none before, or all is as it was.
    const local_link* link() noexcept {
        if (link_.value == nullptr) {
            link_.key = key_;
            link_.value = const_cast<std::remove_const_t<T>*>(std::addressof(value_));
        }
        if (const local_link* const outer = current_locals(); link_.outer != outer) link_.outer = outer;
        return &link_;
    }

    const void* key_;
    T value_;
    local_link link_;       // not moved: in use from the first poll on
    std::optional<F> fut_;  // destroyed by hand
};

}  // namespace detail

/// A key at namespace scope, `task_local<int> request;`, under which a future can be given a value: `request.scope(5, fut)`.
///
/// Threads: any.
template <class T>
class task_local {
    static_assert(std::is_object_v<T>, "pollux: task_local<T>: T is not an object; use a pointer");

public:
    constexpr task_local() noexcept = default;
    task_local(const task_local&) = delete;
    task_local& operator=(const task_local&) = delete;

    /// The value of the innermost scope of this key around the code that asks: in a poll of the future that was given to scope(), or
    /// while that is destroyed. Null elsewhere, and in tasks that were spawned inside. The children of a `fork_join` or
    /// `fork_all` see the value of their parent, the same object, perhaps several at once.
    ///
    /// Cost: a walk over the scopes that this is in.
    T* get() const noexcept {
        for (const detail::local_link* at = detail::current_locals(); at != nullptr; at = at->outer)
            if (at->key == this) return static_cast<T*>(at->value);
        return nullptr;
    }

    /// The future `fut`, in which this key has `value`. The value lives in it and is destroyed after `fut`. What is only lent to it
    /// (`by_ref`, `next` of a stream) has no `fork_join` under way when it ends.
    ///
    /// Errors: as those of `fut`. Throws: what `fut` throws.
    /// Cancel: dropping it destroys `fut`, which still sees the value.
    /// Cost: no allocation. A `fork_join` inside takes one block more for each child.
    /// Source: the scopes of Tokio's task_local.
    template <class F>
    auto scope(T value, F&& fut) const {
        static_assert(future<F>,
                      "pollux: task_local::scope: the second argument is not a future; it needs value_type, error_type "
                      "and poll(context&)");
        if constexpr (future<F>)
            return detail::task_local_scope<T, detail::owned<F>>(this, std::move(value),
                                                                 detail::own(std::forward<F>(fut)));
        else
            detail::require_future<F>();
    }
};

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// once_cell: a value that is made by whoever needs it first, while the others wait. Whoever makes it holds the one permit of a
// permit_queue (sync/permit_queue.hpp); the queue is closed when the value is there.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/future/detail/call.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/sync/permit_queue.hpp"
#include "pollux/sync/permit_wait.hpp"

namespace pollux::inline v0::detail {

template <class T, class Fn>
class get_or_init_future;

// What the cell is to its futures.
template <class T>
class once_storage {
public:
    once_storage() noexcept : nothing_{} {}
    once_storage(const once_storage&) = delete;
    once_storage& operator=(const once_storage&) = delete;
    ~once_storage() {
        if (is_set()) std::destroy_at(std::addressof(value_));
    }

    std_permit_queue& permits() noexcept { return permits_; }
    bool is_set() const noexcept { return permits_.is_closed(); }
    T* value() noexcept { return std::addressof(value_); }
    const T* value() const noexcept { return std::addressof(value_); }

    /// By the holder of the permit, who calls publish() then. Throws: what the constructor throws.
    template <class V>
    void make(V&& value) {
        std::construct_at(std::addressof(value_), std::forward<V>(value));
    }
    void publish() noexcept { permits_.close(); }

private:
    std_permit_queue permits_{1};
    struct nothing {};
    union {
        nothing nothing_;
        T value_;
    };
};

template <class T, class Fn>
class [[nodiscard]] get_or_init_future {
    using inner = called_future<Fn, void>;

public:
    using value_type = T*;
    using error_type = error_type_of<inner>;

    get_or_init_future(once_storage<T>& cell, Fn fn) : cell_(cell), wait_(cell.permits(), 1), fn_(std::move(fn)) {}
    get_or_init_future(get_or_init_future&& other) noexcept(std::is_nothrow_move_constructible_v<Fn>)
        : cell_(other.cell_), wait_(std::move(other.wait_)), fn_(std::move(other.fn_)), inner_(other.inner_) {}
    get_or_init_future& operator=(get_or_init_future&&) = delete;
    ~get_or_init_future() { give_up(); }

    polled<T*, error_type> poll(context& cx) {
        if (!is_initializer_) {
            switch (wait_.poll(cx)) {
                case permit_answer::pending: return pending;
                case permit_answer::closed: return cell_.value();
                case permit_answer::taken: is_initializer_ = true; break;
            }
        }
        unless_done next_on_throw{this};
        if (inner_.is_untouched()) {
            inner_.emplace([this]() -> inner {
                unit nothing;
                return detail::call_future<void>(fn_, nothing);
            });
        }
        auto answer = (*inner_).poll(cx);
        if (answer.is_pending()) {
            next_on_throw.fut = nullptr;
            return pending;
        }
        if constexpr (!std::is_same_v<value_type_of<inner>, never>) {
            if (answer.has_value()) {
                cell_.make(std::move(answer.value()));  // it may look into what gave it
                next_on_throw.fut = nullptr;
                inner_.reset();
                is_initializer_ = false;
                cell_.publish();
                return cell_.value();
            }
        }
        if constexpr (!std::is_same_v<error_type, never>) {
            if (answer.has_error()) return std::unexpected(std::move(answer.error()));
        }
        return pending;
    }

private:
    // Gives up when the poll is left with an error or an exception.
    struct unless_done {
        get_or_init_future* fut;
        ~unless_done() {
            if (fut != nullptr) fut->give_up();
        }
    };

    // What was begun is destroyed before the next begins.
    void give_up() noexcept {
        if (!std::exchange(is_initializer_, false)) return;
        inner_.reset();
        cell_.permits().give_back(1);
    }

    once_storage<T>& cell_;
    permit_wait wait_;
    [[no_unique_address]] Fn fn_;  // above the future that may point into it, so destroyed after it
    slot<inner> inner_;
    bool is_initializer_ = false;  // holds the permit
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync {

/// A place for a value that is made once, when it is first asked for, and stays until the cell is destroyed.
///
/// It must outlive its futures. Threads: any, at the same time; what the initializer has written is visible to who gets the
/// value.
/// Cost: 32 bytes beside the value, no allocation. Once the value is there get() is one load.
/// Source: Tokio's OnceCell.
template <class T>
class once_cell {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                  "pollux: once_cell: the value is not an object that can change; use unit where there is none");

public:
    /// The value, or null while there is none.
    T* get() noexcept { return storage_.is_set() ? storage_.value() : nullptr; }
    const T* get() const noexcept { return storage_.is_set() ? storage_.value() : nullptr; }

    /// A future of the value. If there is none it calls `fn`, which returns what a T is made from: a plain value, a
    /// `std::expected` or a future; one at a time, the others wait in the order of their first polls.
    ///
    /// Errors: what `fn` returned as an error. Throws: what `fn`, its future or the constructor of T throws, out of the poll.
    /// Then, and if the initializer is dropped, the next waiter calls its own `fn`; what was begun is destroyed before.
    /// Threads: `fn` runs in the poll, at most once. It is destroyed with the future, after what it returned.
    /// Cancel: dropping it gives up its place in the line, or what it has begun.
    /// Cost: no allocation beside that of `fn`; one load if the value is there.
    template <class Fn>
    auto get_or_init(Fn fn) {
        static_assert(detail::callable_with<Fn, void>,
                      "pollux: once_cell::get_or_init: the callable takes arguments; give one that takes none");
        if constexpr (detail::callable_with<Fn, void>) {
            using made = detail::value_type_of<detail::called_future<Fn, void>>;
            constexpr bool fits = std::is_same_v<made, never> || std::is_constructible_v<T, detail::or_unit<made>>;
            static_assert(
                fits,
                "pollux: once_cell::get_or_init: no value of the cell can be made from what the callable returns; "
                "return one, a std::expected or a future of it");
            if constexpr (fits) return detail::get_or_init_future<T, Fn>(storage_, std::move(fn));
        }
    }

private:
    detail::once_storage<T> storage_;
};

}  // namespace pollux::inline v0::sync

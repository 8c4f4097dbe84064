// SPDX-License-Identifier: MIT
// What one poll answers: pending, a value or an error; and the small types around it. Every poll of the library
// returns a `polled`, so it is a tag and a union by hand: trivially copyable, and in registers, whenever its value
// and error are. Not in registers are the answers of streams: an optional<int> would share one with its flag, and clang-19 does not take
// the two apart again when it has inlined one poll into another. A filter, a map and a fold took twice the instructions.
//
// Invariants: the tag names the living member of the union. A member that throws while it is made or assigned leaves
// the object pending. A value, or an error, of type `never` is never alive. The layout does not depend on NDEBUG.
// Threads: plain values, no state of their own.
#pragma once

#include <concepts>
#include <expected>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "pollux/core/export.hpp"

// g++ 12 does not connect the tag with the member that it names, once a poll has been inlined into another, and warns
// of the member that is not alive, in the user's build.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace pollux::inline v0 {

/// The value or the error type of what cannot have one.
struct never {
    never() = delete;
    friend constexpr bool operator==(const never&, const never&) noexcept { return true; }
};

/// Stands for `void` where an object is needed: in tuples, variants, optionals and the items of streams.
using unit = std::monostate;

/// The type of `pending`.
struct pending_t {
    explicit constexpr pending_t() = default;
};

/// "Not ready": the task has been registered for a wake-up.
inline constexpr pending_t pending{};

/// What a finished future hands out: `T` if it cannot fail (`void` for `void`), else `std::expected<T, E>`.
template <class T, class E>
using outcome = std::conditional_t<std::is_same_v<E, never>, T, std::expected<T, E>>;

template <class T = void, class E = never>
class polled;

namespace detail {

/// Prints the message, which has the library's usual shape, to stderr and aborts. Threads: any.
[[noreturn]] POLLUX_API void fail_check(const char* message) noexcept;

/// Stops a debug build if `holds` is false. What is checked is state that every build has.
constexpr void debug_check([[maybe_unused]] bool holds, [[maybe_unused]] const char* message) noexcept {
#ifndef NDEBUG
    if (!holds) [[unlikely]] {
        fail_check(message);
    }
#endif
}

template <class T>
using or_unit = std::conditional_t<std::is_void_v<T>, unit, T>;

template <class T>
inline constexpr bool is_unexpected = false;
template <class E>
inline constexpr bool is_unexpected<std::unexpected<E>> = true;

template <class T>
inline constexpr bool is_expected = false;
template <class T, class E>
inline constexpr bool is_expected<std::expected<T, E>> = true;

template <class T>
inline constexpr bool is_polled = false;
template <class T, class E>
inline constexpr bool is_polled<polled<T, E>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// `U`, without its reference, is an error of what fails with `E`. Where that cannot be a value may take any unexpected but that of `never`.
template <class U, class E>
inline constexpr bool is_own_error =
    std::is_same_v<E, never> ? std::is_same_v<U, std::unexpected<never>> : is_unexpected<U>;
/// The same, or its outcome.
template <class U, class T, class E>
inline constexpr bool is_own_outcome =
    is_own_error<U, E> || (!std::is_same_v<E, never> && std::is_same_v<U, std::expected<T, E>>);

/// `U`, without its reference, is what a `polled<T, E>` reads as something else than a value: the pending tag, another
/// polled, its own outcome, its own error.
template <class U, class T, class E>
inline constexpr bool has_own_reading = std::is_same_v<U, pending_t> || is_polled<U> || is_own_outcome<U, T, E>;

/// `U` becomes the value of a `polled<T, E>`: it is a `T`, or converts to one and has no reading of its own. The
/// order of the tests matters: a `T` that takes anything must not be asked whether it takes the polled itself.
template <class U, class T, class E>
concept value_for = !std::is_void_v<T> &&
                    (std::is_same_v<std::remove_cvref_t<U>, T> || !has_own_reading<std::remove_cvref_t<U>, T, E>) &&
                    std::is_convertible_v<U, T>;

/// `std::unexpected<G>` becomes the error of a `polled<T, E>`. `never` to `never` too: generic code passes errors on.
template <class G, class T, class E>
concept error_for = !std::is_same_v<std::unexpected<G>, T> &&
                    (std::is_same_v<G, E> || (!std::is_same_v<E, never> && std::is_convertible_v<G, E>));

/// `polled<T2, E2>` becomes a `polled<T, E>`: what it can be, the other can be.
template <class T2, class E2, class T, class E>
concept answer_for =
    !std::is_same_v<polled<T2, E2>, T> && !(std::is_same_v<T, T2> && std::is_same_v<E, E2>) &&
    (std::is_same_v<T, T2> || std::is_same_v<T2, never>) && (std::is_same_v<E, E2> || std::is_same_v<E2, never>);

}  // namespace detail

/// The answer of one poll: pending, a value (`unit` stands for `void`) or an error.
///
/// It is made implicitly from `pending`, from what converts to `T`, from a `std::unexpected`, from its outcome, and
/// from a polled whose value and error are the same or `never`. An exact `T` comes before every other reading.
/// Throws: what the constructors of `T` and `E` throw; it is pending then.
/// Cost: one byte beside the larger of value and error, and at least 18 bytes for a std::optional; no allocation.
template <class T, class E>
class polled {
    static_assert(!std::is_reference_v<T>,
                  "pollux: polled: value_type is a reference; use a pointer or std::reference_wrapper");
    static_assert(!std::is_reference_v<E>,
                  "pollux: polled: error_type is a reference; use a pointer or std::reference_wrapper");
    static_assert(std::is_same_v<E, never> || std::is_object_v<E>,
                  "pollux: polled: error_type is not an object; use never where there is no error");
    static_assert(!std::is_same_v<T, pending_t>, "pollux: polled: value_type is pending_t; use another type");

    using stored = detail::or_unit<T>;
    enum class tag : unsigned char { none, value, error };

    template <template <class> class Trait>
    static constexpr bool both = Trait<stored>::value && Trait<E>::value;
    static constexpr bool trivial_destroy = both<std::is_trivially_destructible>;
    static constexpr bool trivial_copy = trivial_destroy && both<std::is_trivially_copy_constructible>;
    static constexpr bool trivial_move = trivial_destroy && both<std::is_trivially_move_constructible>;
    static constexpr bool trivial_copy_assign = trivial_copy && both<std::is_trivially_copy_assignable>;
    static constexpr bool trivial_move_assign = trivial_move && both<std::is_trivially_move_assignable>;

public:
    using value_type = T;
    using error_type = E;

    constexpr polled(pending_t) noexcept : nothing_{}, tag_(tag::none) {}

    template <class U = T>
        requires detail::value_for<U, T, E>
    constexpr polled(U&& value) noexcept(std::is_nothrow_constructible_v<stored, U>)
        : value_(static_cast<stored>(std::forward<U>(value))), tag_(tag::value) {}

    template <class G>
        requires detail::error_for<G, T, E>
    constexpr polled(std::unexpected<G> error) noexcept(std::is_nothrow_constructible_v<E, G>)
        : error_(std::move(error).error()), tag_(tag::error) {}

    template <class Outcome>
        requires(!std::is_same_v<E, never> && std::is_same_v<Outcome, std::expected<T, E>> &&
                 !std::is_same_v<Outcome, T>)
    constexpr polled(Outcome result) : polled(pending) {
        if (!result.has_value()) {
            make_error(std::move(result).error());
        } else if constexpr (std::is_void_v<T>) {
            make_value();
        } else {
            make_value(*std::move(result));
        }
    }

    template <class T2, class E2>
        requires detail::answer_for<T2, E2, T, E>
    constexpr polled(polled<T2, E2> other) : polled(pending) {
        if constexpr (std::is_same_v<T, T2>) {
            if (other.has_value()) make_value(std::move(other.value()));
        }
        if constexpr (std::is_same_v<E, E2>) {
            if (other.has_error()) make_error(std::move(other.error()));
        }
    }

    constexpr polled(const polled&)
        requires trivial_copy
    = default;
    constexpr polled(const polled& other)
        requires(!trivial_copy && both<std::is_copy_constructible>)
        : polled(pending) {
        copy(other);
    }
    constexpr polled(polled&&)
        requires trivial_move
    = default;
    constexpr polled(polled&& other) noexcept(both<std::is_nothrow_move_constructible>)
        requires(!trivial_move && both<std::is_move_constructible>)
        : polled(pending) {
        move(other);
    }

    constexpr polled& operator=(const polled&)
        requires trivial_copy_assign
    = default;
    constexpr polled& operator=(const polled& other)
        requires(!trivial_copy_assign && both<std::is_copy_constructible>)
    {
        if (this != &other) {
            destroy();
            copy(other);
        }
        return *this;
    }
    constexpr polled& operator=(polled&&)
        requires trivial_move_assign
    = default;
    constexpr polled& operator=(polled&& other) noexcept(both<std::is_nothrow_move_constructible>)
        requires(!trivial_move_assign && both<std::is_move_constructible>)
    {
        if (this != &other) {
            destroy();
            move(other);
        }
        return *this;
    }

    constexpr ~polled()
        requires trivial_destroy
    = default;
    constexpr ~polled() { destroy(); }

    /// A value, made in place from the arguments. `polled<>::ready()` is how a `void` succeeds.
    template <class... Args>
        requires std::is_constructible_v<stored, Args...>
    static constexpr polled ready(Args&&... args) {
        return polled(in_place_value{}, std::forward<Args>(args)...);
    }

    /// An error, made in place from the arguments.
    template <class... Args>
        requires std::is_constructible_v<E, Args...>
    static constexpr polled failed(Args&&... args) {
        return polled(in_place_error{}, std::forward<Args>(args)...);
    }

    constexpr bool is_pending() const noexcept { return tag_ == tag::none; }
    constexpr bool is_ready() const noexcept { return tag_ != tag::none; }
    constexpr bool has_value() const noexcept {
        if constexpr (std::is_same_v<T, never>) return false;
        if constexpr (std::is_same_v<E, never>) return tag_ != tag::none;
        return tag_ == tag::value;
    }
    constexpr bool has_error() const noexcept {
        if constexpr (std::is_same_v<E, never>) return false;
        return tag_ == tag::error;
    }

    /// The value (`unit` for `void`). Only if `has_value()`: debug builds stop with a message.
    constexpr stored& value() noexcept {
        detail::debug_check(has_value(), "pollux: polled::value: there is no value; ask has_value() first");
        return value_;
    }

    /// The error. Only if `has_error()`: debug builds stop with a message.
    constexpr E& error() noexcept {
        detail::debug_check(has_error(), "pollux: polled::error: there is no error; ask has_error() first");
        return error_;
    }

    /// Moves the result out. Only if `is_ready()`: debug builds stop with a message. It stays ready, moved from.
    constexpr outcome<T, E> take() {
        detail::debug_check(is_ready(), "pollux: polled::take: it is pending; ask is_ready() first");
        if constexpr (std::is_same_v<E, never>) {
            if constexpr (!std::is_void_v<T>) return std::move(value_);
        } else {
            if (has_error()) return outcome<T, E>(std::unexpect, std::move(error_));
            if constexpr (std::is_void_v<T>) {
                return outcome<T, E>(std::in_place);
            } else {
                return outcome<T, E>(std::in_place, std::move(value_));
            }
        }
    }

private:
    struct nothing {};
    // Never alive.
    struct too_large_for_registers {
        char bytes[17];
    };
    using filler = std::conditional_t<detail::is_optional<T>, too_large_for_registers, nothing>;
    struct in_place_value {};
    struct in_place_error {};

    template <class... Args>
    constexpr explicit polled(in_place_value, Args&&... args) : value_(std::forward<Args>(args)...), tag_(tag::value) {}
    template <class... Args>
    constexpr explicit polled(in_place_error, Args&&... args) : error_(std::forward<Args>(args)...), tag_(tag::error) {}

    // The four below expect or leave a pending object; the tag is written last, so that a throw leaves it pending.
    template <class... Args>
    constexpr void make_value(Args&&... args) {
        std::construct_at(std::addressof(value_), std::forward<Args>(args)...);
        tag_ = tag::value;
    }
    template <class... Args>
    constexpr void make_error(Args&&... args) {
        std::construct_at(std::addressof(error_), std::forward<Args>(args)...);
        tag_ = tag::error;
    }
    constexpr void copy(const polled& other) {
        if (other.has_value()) {
            make_value(other.value_);
        } else if (other.has_error()) {
            make_error(other.error_);
        }
    }
    constexpr void move(polled& other) noexcept(both<std::is_nothrow_move_constructible>) {
        if (other.has_value()) {
            make_value(std::move(other.value_));
        } else if (other.has_error()) {
            make_error(std::move(other.error_));
        }
    }
    constexpr void destroy() noexcept {
        if (has_value()) {
            std::destroy_at(std::addressof(value_));
        } else if (has_error()) {
            std::destroy_at(std::addressof(error_));
        }
        tag_ = tag::none;
    }

    union {
        nothing nothing_;
        stored value_;
        E error_;
        filler filler_;
    };
    tag tag_;
};

namespace detail {

/// The answer that stands in `outcome`: as the conversion, but also where the error is `never`.
template <class T, class E>
constexpr polled<T, E> answer_of(std::expected<T, E> outcome) {
    if (!outcome.has_value()) return polled<T, E>::failed(std::move(outcome).error());
    if constexpr (std::is_void_v<T>)
        return polled<T, E>::ready();
    else
        return polled<T, E>::ready(*std::move(outcome));
}

}  // namespace detail

}  // namespace pollux::inline v0

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// SPDX-License-Identifier: MIT
// Places for futures that come to life late, inside the future that polls them.
//
// `slot<F>` is empty until its future is made. `stages<F, G>` holds a first future, then, in the same memory, a
// second one; `kept_stages<F, G>` holds the first on beside the second. All make the future in place, from a function that returns it.
// A future may be moved until its first poll and not after: so an untouched place can be moved or copied, and one whose future is in
// flight ends the program with a message: the callable that made it, and may be pointed to by it, would have moved away.
//
// `kept_until_ready<F>` holds a future that is destroyed before what polls it is: what it holds, a lock or a connection, must not be
// held while a callable runs that has its value.
//
// A future that gives a future or a stream stays where it is until that has been destroyed, for that may point into it: `map` keeps the
// lambda whose coroutine it has handed out. `stages_for` and `kept_until_ready` see to it.
#pragma once

#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/polled.hpp"

namespace pollux::inline v0::detail {

enum class stage : unsigned char { first, second, gone };

inline constexpr const char* moved_in_flight =
    "pollux: a future was moved or copied after its first poll; move it before, or keep it in place with boxed";
inline constexpr const char* polled_when_gone =
    "pollux: a future was polled after it was ready or its callable threw; destroy a future at its end";

/// What `F` gives is polled, and may point into `F`.
template <class F>
concept gives_what_is_polled = future<value_type_of<F>> || stream<value_type_of<F>>;

template <class F>
class slot {
public:
    slot() noexcept : nothing_{} {}
    slot(const slot& other) noexcept : nothing_{}, stage_(other.stage_) {  // moves too: there is nothing to move
        if (other.is_alive()) [[unlikely]] {
            fail_check(moved_in_flight);
        }
    }
    slot& operator=(const slot&) = delete;
    ~slot() { reset(); }

    bool is_untouched() const noexcept { return stage_ == stage::first; }
    bool is_alive() const noexcept { return stage_ == stage::second; }

    F& operator*() noexcept {
        debug_check(is_alive(), polled_when_gone);
        return future_;
    }

    /// `make` returns the future. If it throws, the slot is empty for good.
    template <class Make>
    void emplace(Make make) {
        reset();
        ::new (static_cast<void*>(std::addressof(future_))) F(make());
        stage_ = stage::second;
    }

    void reset() noexcept {
        if (std::exchange(stage_, stage::gone) == stage::second) std::destroy_at(std::addressof(future_));
    }

private:
    struct nothing {};
    union {
        nothing nothing_;
        F future_;
    };
    stage stage_ = stage::first;
};

template <class F>
class kept_until_ready {
public:
    explicit kept_until_ready(F fut) noexcept(std::is_nothrow_move_constructible_v<F>) : future_(std::move(fut)) {}

    F& operator*() noexcept {
        debug_check(future_.has_value(), polled_when_gone);
        return *future_;
    }
    void reset() noexcept { future_.reset(); }

private:
    std::optional<F> future_;
};

/// What has nothing to destroy is kept: it holds nothing, and needs no flag. What gives a future or a stream is kept as well.
template <class F>
    requires(std::is_trivially_destructible_v<F> || gives_what_is_polled<F>)
class kept_until_ready<F> {
public:
    explicit kept_until_ready(F fut) noexcept(std::is_nothrow_move_constructible_v<F>) : future_(std::move(fut)) {}

    F& operator*() noexcept { return future_; }
    void reset() noexcept {}

private:
    [[no_unique_address]] F future_;
};

template <class F, class G>
class stages {
public:
    explicit stages(F first) noexcept(std::is_nothrow_move_constructible_v<F>) : first_(std::move(first)) {}
    stages(const stages& other)
        requires std::is_copy_constructible_v<F>
        : nothing_{}, stage_(stage::gone) {
        refuse_in_flight(other);
        if (other.is_first()) {
            ::new (static_cast<void*>(std::addressof(first_))) F(other.first_);
            stage_ = stage::first;
        }
    }
    stages(stages&& other) noexcept(std::is_nothrow_move_constructible_v<F>) : nothing_{}, stage_(stage::gone) {
        refuse_in_flight(other);
        if (other.is_first()) {
            ::new (static_cast<void*>(std::addressof(first_))) F(std::move(other.first_));
            stage_ = stage::first;
        }
    }
    stages& operator=(const stages&) = delete;
    ~stages() { reset(); }

    bool is_first() const noexcept { return stage_ == stage::first; }
    F& first() noexcept { return first_; }

    bool is_second() const noexcept { return stage_ == stage::second; }
    G& second() noexcept {
        debug_check(is_second(), polled_when_gone);
        return second_;
    }

    /// Destroys the first, then makes the second: `make` returns it. If it throws, nothing is left.
    template <class Make>
    void advance(Make make) {
        destroy(stage_);
        try {
            ::new (static_cast<void*>(std::addressof(second_))) G(make());
        } catch (...) {
            stage_ = stage::gone;
            throw;
        }
        stage_ = stage::second;
    }

    /// The first is over and there will be no second.
    void end_first() noexcept { reset(); }

    void reset() noexcept { destroy(std::exchange(stage_, stage::gone)); }

private:
    // Leaves the stage as it is. The types are asked for the compiler, which does not see through the union that there is nothing to do.
    void destroy(stage which) noexcept {
        if constexpr (!std::is_trivially_destructible_v<F>)
            if (which == stage::first) std::destroy_at(std::addressof(first_));
        if constexpr (!std::is_trivially_destructible_v<G>)
            if (which == stage::second) std::destroy_at(std::addressof(second_));
    }
    static void refuse_in_flight(const stages& other) noexcept {
        if (other.is_second()) [[unlikely]] {
            fail_check(moved_in_flight);
        }
    }

    struct nothing {};
    union {
        nothing nothing_;
        F first_;
        G second_;
    };
    stage stage_ = stage::first;
};

/// As stages, but the first is destroyed after the second, or with reset().
template <class F, class G>
class kept_stages {
public:
    explicit kept_stages(F first) noexcept(std::is_nothrow_move_constructible_v<F>) : first_(std::move(first)) {}

    bool is_first() const noexcept { return second_.is_untouched(); }
    F& first() noexcept { return *first_; }

    bool is_second() const noexcept { return second_.is_alive(); }
    G& second() noexcept { return *second_; }

    template <class Make>
    void advance(Make make) {
        second_.emplace(make);
    }

    /// What the first has given may point into it, and has been handed on: it stays.
    void end_first() noexcept { second_.reset(); }

    void reset() noexcept {
        second_.reset();
        first_.reset();
    }

private:
    std::optional<F> first_;  // above the second, which may point into it, so destroyed after it
    slot<G> second_;
};

template <class F, class G>
using stages_for = std::conditional_t<gives_what_is_polled<F>, kept_stages<F, G>, stages<F, G>>;

}  // namespace pollux::inline v0::detail

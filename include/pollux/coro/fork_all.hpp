// SPDX-License-Identifier: MIT
// fork_all: fork_join for children whose number is known at run time.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/result.hpp"
#include "pollux/coro/await.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/coro/fork_fallback.hpp"
#include "pollux/coro/fork_locals.hpp"
#include "pollux/coro/fork_point.hpp"
#include "pollux/coro/forked_child.hpp"
#include "pollux/coro/into_task.hpp"

namespace pollux::inline v0 {

namespace detail {

// The children of fork_all with their point and results, in one block: [room][point][frames][results]. A point has its frames behind it,
// the last child's first, and nobody knows how many there will be: so they are put there from the back, and the point in front of them
// when all have come.
template <class T, class E>
class forked_range {
    using slot = result<T, E>;
    static_assert(sizeof(fork_point) % alignof(void*) == 0 && alignof(slot) <= frame_alignment);
    // What a block for a number of children that is not known takes, if it can: a guess, that of a dozen small results.
    static constexpr std::size_t first_bytes = 500;
    static constexpr std::size_t bytes_of_child = sizeof(void*) + sizeof(slot);
    static constexpr std::size_t first_room = first_bytes > sizeof(fork_point) + 4 * bytes_of_child
                                                  ? (first_bytes - sizeof(fork_point)) / bytes_of_child
                                                  : 4;

public:
    forked_range() noexcept = default;
    forked_range(const forked_range&) = delete;
    forked_range& operator=(const forked_range&) = delete;
    [[gnu::always_inline]] ~forked_range() {
        if (room_ != 0) [[unlikely]]
            drop();
    }

    /// Throws: std::bad_alloc.
    void reserve(std::size_t n) {
        if (n > room_) widen(n);
    }
    template <class Task>
    [[gnu::always_inline]] void push(Task child) {
        if (size_ == room_) [[unlikely]]
            widen(room_ != 0 ? 2 * room_ : first_room);
        frames_end_[-1 - static_cast<std::ptrdiff_t>(size_)] = child.release();
        ++size_;
    }
    /// There are no more. Throws: std::bad_alloc, for more than a point can count.
    [[gnu::always_inline]] void close() {
        if (size_ == 0) return;
        if (size_ >= below_poll_mark) throw std::bad_alloc();
        void** const first = frames_end_ - size_;
        point_ = ::new (static_cast<void*>(reinterpret_cast<char*>(first) - sizeof(fork_point)))
            fork_point(static_cast<std::uint32_t>(size_));
        slot* next = slots();
        for (void** frame = frames_end_ - 1;; --frame, ++next) {
            prepare_forked(*frame, *point_, ::new (static_cast<void*>(next)) slot(), frame == first);
            if (frame == first) break;
        }
    }

    std::size_t size() const noexcept { return size_; }
    bool has_block() const noexcept { return room_ != 0; }
    bool is_closed() const noexcept { return point_ != nullptr; }
    fork_point& point() noexcept { return *point_; }
    void*& frame(std::size_t i) noexcept { return frames_end_[-1 - static_cast<std::ptrdiff_t>(i)]; }
    slot* slots() noexcept { return reinterpret_cast<slot*>(frames_end_); }

    /// The children have ended, and their results are taken: the block goes.
    void release() noexcept {
        // Behind a take there is no exception.
        if constexpr (!slot::is_plain) destroy_slots();
        give_up_block();
    }

private:
    static std::size_t frames_bytes(std::size_t room) noexcept {
        const std::size_t end = sizeof(fork_point) + room * sizeof(void*);
        return (end + alignof(slot) - 1) / alignof(slot) * alignof(slot);
    }
    static std::size_t block_bytes(std::size_t room) noexcept { return frames_bytes(room) + room * sizeof(slot); }
    void destroy_slots() noexcept {
        for (slot *each = slots(), *const end = each + size_; each != end; ++each) each->~slot();
    }
    void give_up_block() noexcept {
        give_block(block(), block_bytes(room_));
        room_ = 0;
    }
    char* block() noexcept { return reinterpret_cast<char*>(frames_end_) - frames_bytes(room_); }

    [[gnu::noinline]] void widen(std::size_t n) {
        auto* const wider = static_cast<char*>(take_block(block_bytes(n)));
        auto** const end = reinterpret_cast<void**>(wider + frames_bytes(n));
        for (std::size_t i = 1; i <= size_; ++i)
            end[-static_cast<std::ptrdiff_t>(i)] = frames_end_[-static_cast<std::ptrdiff_t>(i)];
        if (room_ != 0) give_block(block(), block_bytes(room_));
        frames_end_ = end;
        room_ = n;
    }
    // With children that have not started, or results that nobody has taken.
    [[gnu::noinline]] void drop() noexcept {
        if (is_closed()) {
            drop_unstarted(*point_);
            destroy_slots();
        } else {
            for (std::size_t i = 0; i != size_; ++i) std::coroutine_handle<>::from_address(frame(i)).destroy();
        }
        give_up_block();
    }

    void** frames_end_ = nullptr;  // aligned for the results, which are behind it
    std::size_t size_ = 0, room_ = 0;
    fork_point* point_ = nullptr;
};

// As fork_awaiter, for a number of children that is known at run time.
template <class T, class E>
class [[nodiscard]] fork_all_awaiter {
    using outcomes = std::vector<or_unit<outcome<T, E>>>;

public:
    // Of what fork_all was given: `Range` says whether the futures may be taken.
    template <class Range>
    fork_all_awaiter(std::type_identity<Range>, std::remove_reference_t<Range>& children) {
        using F = std::ranges::range_value_t<Range>;
        if constexpr (std::ranges::sized_range<Range>) children_.reserve(std::ranges::size(children));
        for (auto&& one : children) {
            if constexpr (is_lent<Range> && std::is_lvalue_reference_v<decltype(one)>)
                children_.push(detail::into_task(F(one)));
            else
                children_.push(detail::into_task(std::move(one)));
        }
        children_.close();
    }
    fork_all_awaiter(const fork_all_awaiter&) = delete;
    fork_all_awaiter& operator=(const fork_all_awaiter&) = delete;
    [[gnu::always_inline]] ~fork_all_awaiter() {
        if (children_.has_block()) [[unlikely]]
            drop();
    }

    fork_all_awaiter& into_awaiter() noexcept { return *this; }

    bool await_ready() const noexcept { return false; }

    template <class P>
    bool await_suspend(std::coroutine_handle<P> parent) {
        if (children_.size() == 0) [[unlikely]]
            return suspend_without_children(parent.promise(), parent.address());
        const fork_end end = run_forks<0>(children_.point(), parent.address());
        if (end == fork_end::joined) [[likely]]
            return false;
        return end != fork_end::below_poll || suspend_below_poll(parent.promise(), parent.address());
    }

    // Units are made where the compiler sees whether anybody looks at them: where nobody does it makes no vector.
    [[gnu::always_inline]] outcomes await_resume() {
        const std::size_t n = children_.size();
        if constexpr (std::is_void_v<outcome<T, E>>) {
            if (n != 0) take_units();
            return outcomes(n);
        } else {
            return n != 0 ? take_all() : outcomes();
        }
    }

private:
    // What is in it stays there.
    template <class Range>
    static constexpr bool is_lent =
        std::is_lvalue_reference_v<Range> || std::ranges::borrowed_range<std::remove_cvref_t<Range>>;

    bool is_below_poll() noexcept { return children_.point().unstarted == below_poll_mark; }

    // False: it goes on at once, as an await of what is ready.
    [[gnu::noinline]] bool suspend_without_children(promise_base& promise, void* parent) {
        if (may_go_on(promise)) return false;
        turn_ = {&go_on, parent};
        suspend_unit(promise, turn_);
        return true;
    }
    [[gnu::noinline]] bool suspend_below_poll(promise_base& promise, void* parent) {
        fork_point& point = children_.point();
        const std::size_t n = children_.size();
        if (fork_takes_locals())
            for (std::size_t i = 0; i != n; ++i) take_locals_along<T, E>(children_.frame(i));
        ::new (static_cast<void*>(&fallback_)) fork_fallback();
        fallback_.begin(promise, parent, point.children(), n);
        point.unstarted = below_poll_mark;
        for (std::size_t i = 0; i != n; ++i) {
            void*& frame = children_.frame(i);
            if (fallback_.has_spawned())
                fallback_.spawn(coroutine_task<T, E>::make_header(frame, fallback_.child_id()));
            else
                prepare_in_place(promise_at(frame), children_.slots() + i);
        }
        return fallback_.suspend();
    }
    [[gnu::noinline]] outcomes take_all() {
        outcomes all;
        all.reserve(children_.size());
        take_each([&](result<T, E>& from) { all.push_back(take_stored(from)); });
        return all;
    }
    [[gnu::noinline]] void take_units() {
        take_each([](result<T, E>& from) { from.take(); });
    }
    template <class Take>
    [[gnu::always_inline]] void take_each(Take take) {
        if (is_below_poll()) [[unlikely]]
            take_each_below_poll(take);
        else
            for (result<T, E>*each = children_.slots(), *const end = each + children_.size(); each != end; ++each)
                take(*each);
        children_.release();
    }
    template <class Take>
    [[gnu::noinline]] void take_each_below_poll(Take take) {
        for (std::size_t i = 0, n = children_.size(); i != n; ++i)
            take(fallback_.has_spawned() ? coroutine_task<T, E>::outcome_in_front_of(fallback_.frame(n - 1 - i))
                                         : children_.slots()[i]);
        end_fallback();
    }
    void end_fallback() noexcept {
        fallback_.~fork_fallback();
        children_.point().unstarted = 0;
    }
    [[gnu::noinline]] void drop() noexcept {
        if (children_.is_closed() && is_below_poll()) end_fallback();
    }

    forked_range<T, E> children_;
    union {
        fork_fallback fallback_;  // under the mark
        suspension_point turn_;   // without children
    };
};

}  // namespace detail

/// As fork_join, for a range of futures of one type: a vector of their outcomes, in order. Of a range that is given by name the futures
/// that stand in it are copied; of any other they are taken, also out of what a view that is no borrowed range, like a filter, looks at.
///
/// Cost: a block for the children's places and results, from the worker's own memory where it is small, and the vector. Of a range that
/// does not know its length the block is made larger as the children come. Of children of void that cannot fail an optimizing clang makes
/// no vector where it is not used: who wants none lets the children write what they find into an array of the caller's.
template <class Range>
auto fork_all(Range&& children) {
    using child = decltype(detail::into_task(std::declval<std::ranges::range_value_t<Range>>()));
    return detail::fork_all_awaiter<typename child::value_type, typename child::error_type>(std::type_identity<Range>(),
                                                                                            children);
}

}  // namespace pollux::inline v0

// SPDX-License-Identifier: MIT
// Children of run-time number, each in a node of its own on the heap, of which an owner polls only those that were woken:
// what `futures_unordered`, `stream_map` and `buffer_unordered` stand on. `child_wakers` is the same for a number that is
// known.
//
// A node is the header of a child, with what its wakers need, and the child behind it: one allocation. It is counted, by the
// set and by each waker that somebody keeps, so a waker may be kept for ever; the child itself ends when the set says so.
// One node that nobody else knows is kept for the next child. The set has one allocation of its own, made with the first
// child or the first poll.
//
// `child_set` is what does not depend on the type of the children; `children<T>` makes and destroys them.
// Threads: the wakers, any; all else, one at a time. Moving a set moves no child.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

class child_board;

// What the owner's side needs of a node: its place in the list of all, in the order of their making.
struct set_child {
    set_child* next = nullptr;
    set_child* previous = nullptr;
};

// Bytes of the whole header. The child stands behind it, rounded up to its alignment.
inline constexpr std::size_t set_child_bytes = 48;

class POLLUX_API child_set {
public:
    child_set() noexcept = default;
    child_set(child_set&& other) noexcept { swap(other); }
    child_set& operator=(child_set&&) = delete;
    /// Frees the nodes; what stood in them is destroyed already.
    ~child_set();
    void swap(child_set& other) noexcept;

    std::size_t size() const noexcept { return size_; }
    set_child* first() const noexcept { return all_.first; }

    /// A node with room for `bytes` bytes of that alignment, the same in each call. It belongs to the caller until it is
    /// added or given back. Throws: std::bad_alloc.
    set_child* make_node(std::size_t bytes, std::size_t alignment);
    void give_back(set_child* node) noexcept;
    /// Puts a child into the set: the next poll gives it, behind those that were left, and before those that were woken. Not this one,
    /// where a child adds its like.
    void add(set_child* node) noexcept;
    /// Takes one out of the set. Its object is destroyed after this, since its destructor may use the set.
    void take_out(set_child& child) noexcept;
    /// Of one that was taken out and whose object has been destroyed: frees its node, or keeps it for the next.
    void retire(set_child& child) noexcept;

    /// At the start of each poll of the owner: from here on a child that is woken wakes the owner. Gives the first that was
    /// woken before it, as next_woken() does. Throws: std::bad_alloc, in the first poll of an empty set.
    set_child* begin_poll(context& cx);
    /// The next child to be polled, in the order of the wake-ups; takes one unit of the poll's budget for it. Null: there is
    /// none, or the budget is spent, and the owner has been woken. A child that wakes itself waits for the next poll.
    set_child* next_woken(context& cx) noexcept;
    /// For a child that has given an item and may have more: it is polled again, behind the others.
    void put_back(set_child& child) noexcept;

    /// The waker of a child without a count: only for the length of one poll, and ended with `forget()`.
    static waker uncounted(set_child& child) noexcept;

    /// The poll has given a result, so nobody waits: filling the set wakes nobody.
    void gave_result() noexcept { has_poller_ = false; }
    /// Wakes whoever has polled last, if he may be waiting.
    void wake_poller() noexcept {
        if (std::exchange(has_poller_, false)) wake_parent();
    }

private:
    struct list {
        void push_back(set_child& child) noexcept;
        void unlink(set_child& child) noexcept;

        set_child* first = nullptr;
        set_child* last = nullptr;
    };

    void wake_parent() noexcept;
    void recycle(set_child* node) noexcept;
    void free_all(set_child* first) noexcept;

    child_board* board_ = nullptr;
    list all_;
    list retired_;  // their objects are gone, but their nodes are still in the list of the woken
    set_child* spare_ = nullptr;
    std::size_t size_ = 0;
    bool has_poller_ = false;
};

/// The children themselves, of type `T`.
template <class T>
class children {
    static constexpr std::size_t round_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

    static constexpr std::size_t alignment = alignof(T) > alignof(std::size_t) ? alignof(T) : alignof(std::size_t);
    static constexpr std::size_t offset = round_up(set_child_bytes, alignment);
    static constexpr std::size_t number_offset = round_up(offset + sizeof(T), alignof(std::size_t));

public:
    children() noexcept = default;
    children(children&&) noexcept = default;
    children& operator=(children&& other) noexcept {
        children mine(std::move(other));
        swap(mine);
        mine.set_.wake_poller();  // what he waits for is about to go
        return *this;
    }
    ~children() { clear(); }
    void swap(children& other) noexcept { set_.swap(other.set_); }

    std::size_t size() const noexcept { return set_.size(); }
    set_child* first() const noexcept { return set_.first(); }
    static T& at(set_child& child) noexcept { return *std::launder(reinterpret_cast<T*>(bytes(child) + offset)); }

    /// Makes a child in its place: `make` returns it. If it throws, the set is as it was.
    template <class Make>
    set_child& emplace(Make make) {
        return emplace_in(set_.make_node(offset + sizeof(T), alignment), make);
    }
    /// The same, with a number behind it. A set has them from its beginning, or not at all.
    template <class Make>
    set_child& emplace_numbered(std::size_t number, Make make) {
        set_child* const node = set_.make_node(number_offset + sizeof(std::size_t), alignment);
        ::new (static_cast<void*>(bytes(*node) + number_offset)) std::size_t(number);
        return emplace_in(node, make);
    }
    static std::size_t number_of(set_child& child) noexcept {
        return *std::launder(reinterpret_cast<std::size_t*>(bytes(child) + number_offset));
    }
    void erase(set_child& child) noexcept {
        set_.take_out(child);
        std::destroy_at(std::addressof(at(child)));
        set_.retire(child);
    }
    void clear() noexcept {
        while (set_child* const child = set_.first()) erase(*child);
    }

    set_child* begin_poll(context& cx) { return set_.begin_poll(cx); }
    set_child* next_woken(context& cx) noexcept { return set_.next_woken(cx); }
    void put_back(set_child& child) noexcept { set_.put_back(child); }
    void gave_result() noexcept { set_.gave_result(); }
    void wake_poller() noexcept { set_.wake_poller(); }

private:
    static std::byte* bytes(set_child& child) noexcept { return reinterpret_cast<std::byte*>(&child); }

    template <class Make>
    set_child& emplace_in(set_child* node, Make& make) {
        try {
            ::new (static_cast<void*>(bytes(*node) + offset)) T(make());
        } catch (...) {
            set_.give_back(node);
            throw;
        }
        set_.add(node);
        return *node;
    }

    child_set set_;
};

/// Whom a child wakes in one poll of it.
class set_child_poll {
public:
    explicit set_child_poll(set_child& child) noexcept : waker_(child_set::uncounted(child)) {}
    set_child_poll(const set_child_poll&) = delete;
    set_child_poll& operator=(const set_child_poll&) = delete;
    ~set_child_poll() { waker_.forget(); }

    const pollux::waker& waker() const noexcept { return waker_; }

private:
    pollux::waker waker_;
};

/// Polls `fut`, a future that stands in `child` or is part of what does.
template <class F>
auto poll_in_set(context& cx, set_child& child, F& fut) {
    const set_child_poll poll(child);
    context child_cx = cx.with_waker(poll.waker());
    return fut.poll(child_cx);
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The children of a task_scope, without their types: a list of those that live, whom to wake when it is empty, and what has gone wrong
// first. The work is in lib/scheduler/task_scope.cpp.
//
// A child is a task of the runtime. Its link stands in its own frame, as the part that is destroyed last; with that it leaves the
// list, however it ends. So an empty list means that every child's future has been destroyed.
#pragma once

#include <cstdint>
#include <source_location>

#include "pollux/core/context.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/result.hpp"
#include "pollux/core/task_header.hpp"

namespace pollux::inline v0::detail {

class scope_core;

// In the frame of a child, which takes its result here: the header finds the scope by it.
class POLLUX_API scope_link : public result<void, never> {
public:
    /// `at` is told where it is, also after moves.
    explicit scope_link(scope_link*& at) noexcept : at_(&at) { at = this; }
    /// Before it is in the list.
    scope_link(scope_link&& other) noexcept : at_(other.at_) { *at_ = this; }
    scope_link& operator=(scope_link&&) = delete;
    ~scope_link() {
        if (core_ != nullptr) leave();
    }

    /// The child ends by itself, in this poll.
    void finish() noexcept { is_finished_ = true; }

private:
    friend class scope_core;
    void leave() noexcept;

    scope_link** at_;  // gone once it is in the list
    scope_core* core_ = nullptr;
    bool is_finished_ = false;
    // Guarded by the scope's lock.
    task_header* task_ = nullptr;  // null: refused by its runtime
    scope_link* previous_ = nullptr;
    scope_link* next_ = nullptr;
};

// How things stand with a scope.
enum class scope_state : std::uint8_t {
    open,       // children may come
    failed,     // somebody has claimed the first failure; the rest is cancelled
    cancelled,  // a child was, by the end of the runtime: so is the rest
    dropped,    // the scope's future goes
};

class POLLUX_API scope_children {
public:
    scope_children() noexcept = default;
    scope_children(const scope_children&) = delete;
    scope_children& operator=(const scope_children&) = delete;
    /// Of a scope without children.
    ~scope_children();

    // Whoever polls the scope.
    bool is_open() const noexcept { return core_ != nullptr; }
    /// The children will be tasks of the poll's runtime, else of this thread's. Throws: no_runtime, std::bad_alloc.
    void open(context& cx);
    /// `open` as long as fn may go on.
    scope_state state() const noexcept;
    /// True: fn has ended, or its rest is cancelled, and so has every child. False: the waker of `cx` will be woken when that is so.
    bool poll_end(context& cx, bool fn_has_ended) noexcept;
    /// Cancels all, and returns when they are destroyed. None comes any more.
    void cancel_and_wait() noexcept;

    // Any thread, while the scope has children or its fn runs.
    /// Takes over the frame of a child, which holds `link`. If the scope is not open, or the runtime is ending, it is destroyed here.
    void start(void* frame, scope_link& link, std::source_location where) noexcept;
    /// The first to ask gets true, and says what went wrong before it ends itself. The rest is cancelled.
    bool claim_failure() noexcept;

private:
    scope_core* core_ = nullptr;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// How the values of task_local travel with polls: a chain from the innermost scope outwards, in the execution of the thread
// that polls below it. Scopes install their link around each poll of what is inside and around its destruction; between a worker's
// polls there is none, so tasks without scopes pay nothing. Used by task_local, and by forks whose children are polled elsewhere.
//
// Threads: a link is written by the thread that polls its scope. Children of a fork inside read it on other threads, so nothing is
// written that has its value already.
#pragma once

#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"

namespace pollux::inline v0::detail {

// Stands in the future of its scope.
struct local_link {
    const void* key = nullptr;  // the task_local
    void* value = nullptr;
    const local_link* outer = nullptr;
};

/// The innermost scope that this thread polls in, or null.
inline const local_link* current_locals() noexcept {
    return current_execution != nullptr ? current_execution->locals : nullptr;
}

class locals_scope {
public:
    locals_scope(execution& self, const local_link* innermost) noexcept
        : self_(self), outer_(std::exchange(self.locals, innermost)) {}
    locals_scope(const locals_scope&) = delete;
    locals_scope& operator=(const locals_scope&) = delete;
    ~locals_scope() { self_.locals = outer_; }

private:
    execution& self_;
    const local_link* const outer_;
};

/// Calls `fn` with these locals in place, in a poll with `cx`, or without one if that is null.
template <class Fn>
decltype(auto) call_with_locals(const local_link* innermost, context* cx, Fn fn) {
    if (execution* const self = current_execution) [[likely]] {
        const locals_scope scope(*self, innermost);
        return fn();
    }
    // A poll by hand of something that is no coroutine.
    execution own;
    own.current = cx;
    own.runtime = cx != nullptr ? cx->runtime() : nullptr;
    own.locals = innermost;
    const execution_scope scope(own);
    return fn();
}

}  // namespace pollux::inline v0::detail

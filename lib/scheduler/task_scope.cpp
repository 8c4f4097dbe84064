// SPDX-License-Identifier: MIT
// The children of a task_scope; see scope_children.hpp. Everything but the children's own links is in one block, guarded by one short
// lock: spawning, ending and cancelling touch the list for a few instructions, and no user code runs under it (a spawn or an abort only
// queues).
//
// Who ends the scope. A child leaves the list as the last thing that it does with the scope: after the unlock that shows an empty list the
// scope may be gone. The one who empties it takes the waker along; whoever polls the scope has put that there under the same lock, after a
// look at the list. So no wake-up is lost.
//
// A child stands in the list before it is queued, and both happen under the lock: whoever walks the list meets tasks that have a home,
// and that have not ended, for their links would be gone. A child that the runtime has refused is destroyed by who has spawned it, and
// stands there until then, without its task: nobody may abort that, for it would be queued and destroyed once more.
#include <mutex>
#include <new>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/short_lock.hpp"
#include "pollux/coro/coroutine_task.hpp"
#include "pollux/runtime/errors.hpp"
#include "pollux/runtime/join_handle.hpp"
#include "pollux/runtime/scope_children.hpp"
#include "scheduler/task_waker.hpp"
#include "scheduler/wait_for_cancelled.hpp"

namespace pollux::inline v0::detail {

namespace {

// The header of a child. What it ends with is its scope's affair, so it has no result.
class scoped_task final : public coroutine_task_base {
public:
    static scoped_task& make(void* frame, scope_link& link, std::source_location where) noexcept {
        auto* const header = ::new (static_cast<void*>(header_in_front_of(frame))) scoped_task;
        header->set_up(new_task_id(), where, static_cast<result<void, never>*>(&link));
        return *header;
    }

    void set_cancelled() noexcept override {}
    bool holds_exception() const noexcept override { return false; }
    std::exception_ptr drop_result() noexcept override { return nullptr; }
    const void* scope() const noexcept override;

private:
    // Relaxed: nobody else knows it.
    scoped_task() noexcept { state.store(task_states::initial_child(), std::memory_order::relaxed); }
};

}  // namespace

class scope_core final : waited_tasks {
public:
    explicit scope_core(runtime_core& runtime) noexcept : runtime_(runtime) { runtime_.add_owner(); }
    scope_core(const scope_core&) = delete;
    scope_core& operator=(const scope_core&) = delete;
    ~scope_core() { runtime_.drop_owner(); }

    static const scope_core* of(const scope_link& link) noexcept { return link.core_; }

    scope_state state() noexcept {
        const std::lock_guard guard(lock_);
        return state_;
    }

    bool poll_end(const waker& to_wake, bool fn_has_ended) noexcept {
        waker replaced = to_wake;  // both outside of the lock
        const std::lock_guard guard(lock_);
        fn_has_ended_ = fn_has_ended;
        if (is_at_end()) return true;
        std::swap(parent_, replaced);
        return false;
    }

    /// False: cancelled before it was queued.
    bool start(scope_link& link, task_header& child) noexcept {
        const std::lock_guard guard(lock_);
        if (state_ != scope_state::open) return false;
        link.core_ = this;
        link.next_ = first_;
        if (first_ != nullptr) first_->previous_ = &link;
        first_ = &link;
        if (!runtime_.start(child)) return false;
        link.task_ = &child;
        return true;
    }

    void leave(scope_link& link) noexcept {
        waker parent;
        {
            const std::lock_guard guard(lock_);
            (link.previous_ != nullptr ? link.previous_->next_ : first_) = link.next_;
            if (link.next_ != nullptr) link.next_->previous_ = link.previous_;
            // Only the end of the runtime cancels a child of a scope that is open.
            if (!link.is_finished_) cancel_rest(scope_state::cancelled);
            if (is_at_end()) parent = std::move(parent_);
        }
        std::move(parent).wake();
    }

    bool cancel(scope_state why) noexcept {
        const std::lock_guard guard(lock_);
        return cancel_rest(why);
    }

    void cancel_and_wait() noexcept {
        cancelled_children children(runtime_);
        {
            const std::lock_guard guard(lock_);
            if (state_ == scope_state::open) state_ = scope_state::dropped;
            // Those of a scope that was cancelled before, too: the end of the runtime has left them to it.
            for (scope_link* each = first_; each != nullptr; each = each->next_)
                if (each->task_ != nullptr) children.cancel(*each->task_);
        }
        children.end();
        wait_for_cancelled(runtime_, *this);
    }

    // waited_tasks
    bool has(task_header& one) const noexcept override { return one.scope() == this; }
    bool are_over() noexcept override {
        const std::lock_guard guard(lock_);
        return first_ == nullptr;
    }

private:
    // Under the lock.
    bool is_at_end() const noexcept { return first_ == nullptr && (fn_has_ended_ || state_ != scope_state::open); }
    bool cancel_rest(scope_state why) noexcept {
        if (state_ != scope_state::open) return false;
        state_ = why;
        for (scope_link* each = first_; each != nullptr; each = each->next_)
            if (each->task_ != nullptr) abort_task(*each->task_);
        return true;
    }

    runtime_core& runtime_;
    short_lock lock_;
    // Guarded by it.
    scope_state state_ = scope_state::open;
    bool fn_has_ended_ = false;
    scope_link* first_ = nullptr;  // of those that live
    waker parent_;                 // of the latest poll that was pending
};

namespace {

const void* scoped_task::scope() const noexcept {
    return scope_core::of(*static_cast<const scope_link*>(static_cast<result<void, never>*>(promise().slot)));
}

}  // namespace

void scope_link::leave() noexcept { core_->leave(*this); }

scope_children::~scope_children() {
    if (core_ == nullptr) return;
    core_->~scope_core();
    give_block(core_, sizeof(scope_core));
}

void scope_children::open(context& cx) {
    runtime_core* const runtime = cx.runtime() != nullptr ? cx.runtime() : current_runtime();
    if (runtime == nullptr)
        throw no_runtime(
            "pollux: task_scope: no runtime in this poll; await it inside a task, or give it to runtime::block_on");
    core_ = ::new (take_block(sizeof(scope_core))) scope_core(*runtime);
}

scope_state scope_children::state() const noexcept { return core_->state(); }

bool scope_children::poll_end(context& cx, bool fn_has_ended) noexcept {
    return core_->poll_end(cx.waker(), fn_has_ended);
}

void scope_children::cancel_and_wait() noexcept {
    if (core_ == nullptr) return;
    core_->cancel_and_wait();
}

void scope_children::start(void* frame, scope_link& link, std::source_location where) noexcept {
    scoped_task& child = scoped_task::make(frame, link, where);
    if (core_->start(link, child))
        task_ops::drop_join(child);
    else
        scoped_task::unmake(child);
}

bool scope_children::claim_failure() noexcept { return core_->cancel(scope_state::failed); }

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// The header of a spawned coroutine. It stands in the block in front of the frame, so spawning a task allocates nothing. Made
// by spawn and by fork_join below a plain poll; run by the scheduler.
//
// The frame writes its result in front of the header and then ends itself; the block lives on until the last reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <utility>

#include "pollux/core/export.hpp"
#include "pollux/core/result.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/coro/frame.hpp"
#include "pollux/coro/task.hpp"

namespace pollux::inline v0::detail {

// The part that does not depend on the result.
struct POLLUX_API coroutine_task_base : task_header {
    void run(execution&) noexcept override;
    void destroy_future(execution&) noexcept override;
    task_identity identity() const noexcept override;

    void* frame() const noexcept { return const_cast<coroutine_task_base*>(this) + 1; }
    promise_base& promise() const noexcept { return promise_at(frame()); }

    /// Undoes the making of the header and destroys the frame. Before the task was handed to a runtime.
    static void unmake(coroutine_task_base& header) noexcept {
        // Relaxed: nobody else knows it. The frame takes its block with it again.
        header.state.store(0, std::memory_order::relaxed);
        std::coroutine_handle<>::from_address(header.frame()).destroy();
    }

private:
    void run_first(execution&) noexcept;
    void run_waiting(execution&) noexcept;
    void still_waiting(execution&, wait_end end) noexcept;
    void go_on(execution&, std::uintptr_t up) noexcept;
    bool is_pending(const execution&) const noexcept;
    void cancel(execution&) noexcept;

protected:
    /// Of a frame that has not been started; `slot` is a result of its types.
    void set_up(task_id id, std::source_location spawned_at, void* slot) const noexcept {
        promise_base& promise = this->promise();
        promise.up = id.value << frame_kind_bits | static_cast<std::uintptr_t>(frame_kind::spawned);
        promise.slot = slot;
        promise.innermost = nullptr;
        std::construct_at(&promise.spawned_at, spawned_at);
    }

    coroutine_task_base() noexcept = default;
    ~coroutine_task_base() = default;
};

template <class T, class E>
class coroutine_task final : public coroutine_task_base {
    using promise_type = task_promise<T, E>;

public:
    /// Makes the header in front of a frame that has not been started. Without brackets behind `new`, which would clear it first.
    static coroutine_task& make_header(void* frame, task_id id, std::source_location spawned_at = {}) noexcept {
        auto* const header = ::new (static_cast<void*>(header_in_front_of(frame))) coroutine_task;
        ::new (static_cast<void*>(&header->outcome())) result<T, E>();
        header->set_up(id, spawned_at, &header->outcome());
        return *header;
    }

    static result<T, E>& outcome_in_front_of(void* frame) noexcept {
        return static_cast<coroutine_task*>(header_in_front_of(frame))->outcome();
    }
    result<T, E>& outcome() noexcept {
        return *reinterpret_cast<result<T, E>*>(reinterpret_cast<char*>(this) - promise_type::result_bytes);
    }

    void set_cancelled() noexcept override { outcome().set_cancelled(); }
    bool holds_exception() const noexcept override {
        return const_cast<coroutine_task*>(this)->outcome().state() == result_state::exception;
    }
    void drop_value() noexcept override { outcome().drop(); }
    std::exception_ptr drop_result() noexcept override {
        std::exception_ptr unseen;
        if (outcome().state() == result_state::exception) unseen = std::move(outcome().exception());
        outcome().reset();
        return unseen;
    }

private:
    coroutine_task() noexcept = default;
};

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// A spawned plain future: one allocation with the header, the future and, in its place later, the result. Made by spawn; run by
// the scheduler.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <utility>

#include "pollux/core/block_cache.hpp"
#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/export.hpp"
#include "pollux/core/result.hpp"
#include "pollux/core/task_header.hpp"

namespace pollux::inline v0::detail {

// The part that does not depend on the future.
struct POLLUX_API future_cell_base : task_header {
    void run(execution&) noexcept override;
    /// Polls the future once, on a worker that has marked the task as running. True: it has ended.
    virtual bool poll(execution&) noexcept = 0;

protected:
    future_cell_base() noexcept = default;
    ~future_cell_base() = default;
};

template <class F>
class future_cell final : public future_cell_base {
    using result_type = result<typename F::value_type, typename F::error_type>;

public:
    /// Throws: std::bad_alloc, and what moving the future throws.
    static future_cell& make(F&& fut, task_id id, std::source_location spawned_at) {
        static_assert(alignof(result_type) <= alignof(std::max_align_t),
                      "pollux: spawn: an over-aligned value or error does not fit into a task; put it behind a "
                      "std::unique_ptr");
        static_assert(alignof(F) <= alignof(std::max_align_t),
                      "pollux: spawn: an over-aligned future does not fit into a task; put it behind boxed()");
        void* const block = take_block(sizeof(future_cell));
        try {
            return *::new (block) future_cell(std::move(fut), id, spawned_at);
        } catch (...) {
            give_block(block, sizeof(future_cell));
            throw;
        }
    }
    /// Before it was handed to a runtime.
    static void unmake(future_cell& cell) noexcept {
        cell.future_.~F();
        give_block(&cell, sizeof(future_cell));
    }

    result_type& outcome() noexcept { return outcome_; }

    bool poll(execution& self) noexcept override {
        self.can_fork = false;
        try {
            auto answer = future_.poll(*self.current);
            if (answer.is_pending()) return false;
            end_future();
            outcome_.set(std::move(answer));
        } catch (...) {
            if (is_alive_) end_future();
            self.failed = id_;
            outcome_.set_exception(std::current_exception());
        }
        return true;
    }
    void destroy_future(execution&) noexcept override { end_future(); }
    void set_cancelled() noexcept override { outcome_.set_cancelled(); }
    bool holds_exception() const noexcept override { return outcome_.state() == result_state::exception; }
    void drop_value() noexcept override { outcome_.drop(); }
    std::exception_ptr drop_result() noexcept override {
        std::exception_ptr unseen;
        if (outcome_.state() == result_state::exception) unseen = std::move(outcome_.exception());
        outcome_.reset();
        return unseen;
    }
    task_identity identity() const noexcept override { return {id_, spawned_at_}; }

private:
    future_cell(F&& fut, task_id id, std::source_location spawned_at)
        : id_(id), spawned_at_(spawned_at), future_(std::move(fut)) {}
    ~future_cell() {}

    void end_future() noexcept {
        is_alive_ = false;
        future_.~F();
        ::new (static_cast<void*>(&outcome_)) result_type();
        keep_block(0, block_cache::shelf_of(sizeof(future_cell)));
    }

    task_id id_;
    std::source_location spawned_at_;
    bool is_alive_ = true;
    union {
        F future_;
        result_type outcome_;
    };
};

}  // namespace pollux::inline v0::detail

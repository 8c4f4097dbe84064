// SPDX-License-Identifier: MIT
#include "pollux/offload/block_in_place.hpp"

#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

// Outside of a task, in a hook or a waker, its worker may be about to be told that all tasks have ended: nobody would stand in.
in_place_scope::in_place_scope() noexcept : left_(this_worker()) {
    if (left_ != nullptr && (left_->task == nullptr || !left_->core().has_threads())) left_ = nullptr;
    if (left_ == nullptr) return;
    // The worker's own execution stays as it is: the frames above this call have not read it yet.
    outer_ = current_execution;
    own_.runtime = outer_->runtime;
    own_.task = outer_->task;
    own_.locals = outer_->locals;
    left_->step_aside();
    current_execution = &own_;
}

in_place_scope::~in_place_scope() {
    if (left_ == nullptr) return;
    current_execution = outer_;
    left_->come_back();
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// See tbb_share.hpp.
#include "offload/tbb_share.hpp"

#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

namespace pollux::inline v0::detail {

namespace {

namespace tbb = oneapi::tbb;
using control = tbb::global_control;

// Of all shares of the process, guarded by the lock.
struct all_shares {
    std::mutex lock;
    std::size_t shares = 0;
    std::size_t slots = 0;
    std::size_t limit_before = 0;
    std::unique_ptr<control> limit;
    tbb::task_scheduler_handle threads;
    bool was_refused_thread = false, has_no_threads = false;  // for good

    // The new one first: of two the smaller counts, so on the way up the old one holds until it goes.
    void set_limit() {
        limit = std::make_unique<control>(control::max_allowed_parallelism, std::max(slots + 1, limit_before));
    }
};

// Never destroyed: a runtime in a static object may end after it.
all_shares& all() noexcept {
    alignas(all_shares) static std::byte place[sizeof(all_shares)];
    static all_shares& made = *::new (place) all_shares();
    return made;
}

}  // namespace

tbb_share::tbb_share(unsigned slots) : slots_(slots) {
    all_shares& ours = all();
    const std::lock_guard guard(ours.lock);
    if (ours.has_no_threads)
        throw std::system_error(
            std::make_error_code(std::errc::resource_unavailable_try_again),
            "pollux: offload: oneTBB was refused its first thread, and does not ask again in this process; let it "
            "have more threads (ulimit -u, the pids limit of its control group) and start it again");
    if (ours.shares == 0) {
        ours.limit_before = control::active_value(control::max_allowed_parallelism);
        ours.threads = tbb::task_scheduler_handle(tbb::attach{});
    }
    ours.slots += slots;
    try {
        ours.set_limit();
    } catch (...) {
        ours.slots -= slots;
        throw;
    }
    ++ours.shares;
}

tbb_share::~tbb_share() {
    all_shares& ours = all();
    const std::lock_guard guard(ours.lock);
    ours.slots -= slots_;
    if (--ours.shares != 0) return;
    // False where others use oneTBB: the threads stay with them. Before the limit goes: with one CPU no thread would be allowed
    // any more to leave the arena, and finalize would spin for ever.
    if (!ours.was_refused_thread) static_cast<void>(tbb::finalize(ours.threads, std::nothrow));
    ours.threads = tbb::task_scheduler_handle();
    ours.limit.reset();
}

void tbb_share::was_refused_thread() noexcept {
    all_shares& ours = all();
    const std::lock_guard guard(ours.lock);
    ours.was_refused_thread = true;
}

void tbb_share::has_no_threads() noexcept {
    all_shares& ours = all();
    const std::lock_guard guard(ours.lock);
    ours.has_no_threads = true;
}

unsigned tbb_share::usable_slots() const noexcept {
    const std::size_t limit = control::active_value(control::max_allowed_parallelism);
    return static_cast<unsigned>(std::clamp<std::size_t>(limit - 1, 1, slots_));
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// See tbb_share.hpp.
#include "offload/tbb_share.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "offload/tbb_arena.hpp"

namespace pollux::inline v0::detail {

namespace {

namespace tbb = oneapi::tbb;
using control = tbb::global_control;

// Of all shares of the process, guarded by the lock.
struct all_shares {
    std::mutex lock;
    std::size_t slots = 0;
    std::size_t limit_before = 0;
    std::unique_ptr<control> limit;
    tbb::task_scheduler_handle threads;
    bool was_refused_thread = false, has_no_threads = false;  // for good

    std::unique_ptr<tbb::task_arena> ballast;  // null: there has not been a second share

    // The new one first: of two the smaller counts, so on the way up the old one holds until it goes.
    void set_limit(std::size_t of_ballast) {
        limit =
            std::make_unique<control>(control::max_allowed_parallelism, std::max(slots + of_ballast + 1, limit_before));
    }
    // What was enqueued in the one before still gets its threads.
    void set_ballast(std::size_t its_slots) {
        auto made = std::make_unique<tbb::task_arena>(static_cast<int>(its_slots), 0);
        made->initialize();
        ballast = std::move(made);
    }
};

// Never destroyed: a runtime in a static object may end after it.
all_shares& all() noexcept {
    alignas(all_shares) static std::byte place[sizeof(all_shares)];
    static all_shares& made = *::new (place) all_shares();
    return made;
}

}  // namespace

constinit std::atomic<unsigned> tbb_share::shares_{0};
constinit std::atomic<unsigned> tbb_share::waiting_{0};

tbb_share::tbb_share(unsigned slots) : slots_(slots) {
    all_shares& ours = all();
    const std::lock_guard guard(ours.lock);
    if (ours.has_no_threads)
        throw std::system_error(
            std::make_error_code(std::errc::resource_unavailable_try_again),
            "pollux: offload: oneTBB was refused its first thread, and does not ask again in this process; let it "
            "have more threads (ulimit -u, the pids limit of its control group) and start it again");
    const unsigned others = shares_.load(std::memory_order::relaxed);  // only written under the lock
    if (others == 0) {
        ours.limit_before = control::active_value(control::max_allowed_parallelism);
        ours.threads = tbb::task_scheduler_handle(tbb::attach{});
    }
    ours.slots += slots;
    try {
        const std::size_t of_ballast = others == 0 ? 0 : ours.slots + 1;
        ours.set_limit(of_ballast);
        if (of_ballast != 0) ours.set_ballast(of_ballast);
    } catch (...) {
        ours.slots -= slots;
        throw;
    }
    shares_.store(others + 1, std::memory_order::seq_cst);  // before our first runner; pairs with the loads of (3)
}

tbb_share::~tbb_share() {
    all_shares& ours = all();
    const std::lock_guard guard(ours.lock);
    ours.slots -= slots_;
    const unsigned others = shares_.load(std::memory_order::relaxed) - 1;  // only written under the lock
    shares_.store(others, std::memory_order::relaxed);  // our runners have ended: nobody needs the ballast for us
    if (others != 0) return;
    ours.ballast.reset();
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

void tbb_share::send_to_ballast() noexcept {
    all_shares& ours = all();
    const std::lock_guard guard(ours.lock);
    try {
        if (ours.ballast != nullptr) enqueue_nothing_in(*ours.ballast);
    } catch (...) {
        ours.was_refused_thread = true;  // or had no memory; a thread that is there comes in its time
    }
}

unsigned tbb_share::usable_slots() const noexcept {
    const std::size_t limit = control::active_value(control::max_allowed_parallelism);
    return static_cast<unsigned>(std::clamp<std::size_t>(limit - 1, 1, slots_));
}

}  // namespace pollux::inline v0::detail

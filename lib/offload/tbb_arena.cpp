// SPDX-License-Identifier: MIT
// Never instrumented; see tbb_arena.hpp.
#include "offload/tbb_arena.hpp"

#include <atomic>

#include "offload/tbb_share.hpp"

// Null without thread sanitizer, which sees here only that memory is made and freed.
extern "C" [[gnu::weak]] void __tsan_acquire(void* of);
extern "C" [[gnu::weak]] void __tsan_release(void* of);

namespace pollux::inline v0::detail {

namespace {

// The claim to one call. Of who enqueues and of the function object, whose copies oneTBB keeps as it likes.
class ticket {
public:
    explicit ticket(void* self) : claim_(new claim(self)) {}
    ticket(const ticket& other) noexcept : claim_(other.claim_) {
        claim_->owners.fetch_add(1, std::memory_order::relaxed);  // whoever copies is an owner
    }
    ticket& operator=(const ticket&) = delete;
    ~ticket() {
        // Release: what this owner did with it; acquire: what the others did. Partner: this line.
        if (__tsan_release != nullptr) __tsan_release(claim_);
        if (claim_->owners.fetch_sub(1, std::memory_order::acq_rel) != 1) return;
        if (__tsan_acquire != nullptr) __tsan_acquire(claim_);
        delete claim_;
    }
    /// Null: somebody else has it. Relaxed: says only who.
    void* take() const noexcept { return claim_->self.exchange(nullptr, std::memory_order::relaxed); }

private:
    struct claim {
        explicit claim(void* of) noexcept : self(of) {}
        std::atomic<void*> self;
        std::atomic<unsigned> owners{1};
    };
    claim* const claim_;
};

}  // namespace

void enqueue_in(oneapi::tbb::task_arena& arena, void (*run)(void* self), void* self) {
    const ticket ours(self);
    try {
        arena.enqueue([run, ours] {
            if (void* const claimed = ours.take()) run(claimed);
        });
    } catch (...) {
        tbb_share::was_refused_thread();  // or had no memory; that cannot be told apart
        if (ours.take() != nullptr) throw;
    }
}

void enqueue_nothing_in(oneapi::tbb::task_arena& arena) {
    arena.enqueue([] {});
}

}  // namespace pollux::inline v0::detail

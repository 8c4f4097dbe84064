// SPDX-License-Identifier: MIT
// The block that the owners of a `shared` future have in common: the lock, the list of owners that wait, and behind them
// the place for the future and its result. Called by pollux/future/shared.hpp; calls the owners' wakers.
//
// Counts. `owners`: those not awaited to their end; the last that leaves destroys what is in the place. `references`: the
// objects of all owners, and each waker of the block that somebody keeps; the last frees the memory.
//
// The future is polled by one owner at a time, with a waker of the block, which wakes every owner that waits. Not only
// the one that polled last: an owner may be kept without being polled (lent to a select that has been decided, say), and
// the others would wait for it for ever. So there is nothing to hand over when an owner is dropped. The price is a
// wake-up of each for each step of the future; spawn() makes one step of many.
//
// Protocol, all of it under the lock, with one state:
//   idle     nobody polls. A wake of the block takes the whole list of those who wait and wakes them.
//   polling  an owner polls. A wake is noted in `is_woken`. Another owner that is polled enters the list.
//   done     the result is there for all.
// An owner that finds idle begins to poll. It ends with pending: enters the list, back to idle, and if a wake was noted,
// or with a result: to done. In both last cases it takes the list and wakes them.
//
// Claim: an owner whose latest poll answered pending is woken after the future's next wake-up, or its end.
// Proof: it stands in the list, with the waker of that poll, from that poll on until somebody takes it out to wake it; the
// first to do so is what has to follow the wake-up W. W finds idle: it takes the list. W finds polling: the end of that poll
// takes the list. The poll before W had ended, with pending: it had asked for W. And W came before the end of that poll, and
// the owner entered the list while it was polling: the list is taken at the end, as above. The end: to done takes the list.
//
// Named races: an owner that is taken out, but not woken yet, stands in the list `woken` of whoever wakes; it may be polled,
// moved or destroyed meanwhile, and leaves that list under the lock. If it polls the future itself, that is the poll which
// the wake-up was for. Two owners give the result at once: both copy; `owners` says who may move: the one that counted
// itself out as the last before it touched the value, after which nobody can be counted in.
//
// User code (polls, copies, destructors, wakers) runs outside of the lock; under it wakers are moved and compared.
#include "pollux/future/detail/shared_owner.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>

#include "pollux/core/ring_links.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::inline v0::detail {

namespace {

// Woken at once, between two holds of the lock: enough that locking costs little beside waking. A guess.
constexpr std::size_t wakers_per_lock = 16;

constexpr std::size_t round_up(std::size_t bytes, std::size_t alignment) noexcept {
    return (bytes + alignment - 1) / alignment * alignment;
}

}  // namespace

class shared_block {
public:
    /// Throws: std::bad_alloc.
    static shared_block* make(std::size_t bytes, std::size_t alignment) {
        const std::size_t align = alignment > alignof(shared_block) ? alignment : alignof(shared_block);
        const std::size_t place = round_up(sizeof(shared_block), align);
        void* const memory = ::operator new(place + bytes, std::align_val_t(align));
        return ::new (memory) shared_block(place, align);
    }

    shared_block(const shared_block&) = delete;
    shared_block& operator=(const shared_block&) = delete;

    void count() noexcept {
        references_.fetch_add(
            1, std::memory_order::relaxed);  // made from a counted one, so it cannot reach zero meanwhile
    }
    void drop() noexcept {
        // Release: this one's last use, for the acquire of the same line in whoever counts to zero and frees the block.
        if (references_.fetch_sub(1, std::memory_order::acq_rel) != 1) return;
        const std::size_t align = align_;
        this->~shared_block();
        ::operator delete(static_cast<void*>(this), std::align_val_t(align));
    }

    void* place() noexcept { return reinterpret_cast<std::byte*>(this) + place_; }
    std::mutex& lock() noexcept { return lock_; }

    void wake() noexcept {
        ring_links woken;
        {
            const std::lock_guard guard(lock_);
            if (state_ == state::polling) is_woken_ = true;
            if (state_ != state::idle || waiters_.is_alone()) return;
            woken.take_all_of(waiters_);
        }
        wake_all(woken);
    }

    // The rest is called with the lock held, but wake_all().

    /// `wait` leaves the entering of the list to the caller.
    shared_turn begin() noexcept {
        if (state_ == state::polling) return shared_turn::wait;
        if (state_ == state::done) return shared_turn::give;
        state_ = state::polling;
        return shared_turn::poll;
    }
    void enter(shared_owner& owner) noexcept {
        owner.leave_list();
        waiters_.push_back(owner);
    }
    /// Who is to be woken then goes into `woken`.
    void end_pending(ring_links& woken) noexcept {
        state_ = state::idle;
        if (std::exchange(is_woken_, false)) woken.take_all_of(waiters_);
    }
    void end_ready(ring_links& woken) noexcept {
        state_ = state::done;
        woken.take_all_of(waiters_);
    }

    bool count_owner() noexcept {
        if (owners_ == 0) return false;
        ++owners_;
        return true;
    }
    bool has_one_owner() const noexcept { return owners_ == 1; }
    /// True: it was the last.
    bool drop_owner() noexcept { return --owners_ == 0; }

    /// `woken` is on the stack of who wakes; an owner that is destroyed meanwhile leaves it as it would leave the block's.
    void wake_all(ring_links& woken) noexcept {
        for (bool is_done = false; !is_done;) {
            std::array<waker, wakers_per_lock> batch;
            std::size_t n = 0;
            {
                const std::lock_guard guard(lock_);
                while (n != batch.size() && !woken.is_alone()) batch[n++] = shared_owner::take_first(woken);
                is_done = woken.is_alone();
            }
            for (std::size_t i = 0; i != n; ++i) std::move(batch[i]).wake();
        }
    }

private:
    enum class state : std::uint8_t { idle, polling, done };

    shared_block(std::size_t place, std::size_t align) noexcept : place_(place), align_(align) {}
    ~shared_block() = default;

    // Never changes.
    const std::size_t place_;  // bytes from here to it
    const std::size_t align_;
    // Any thread.
    std::atomic<std::size_t> references_{1};
    // Guarded by the lock.
    std::mutex lock_;
    ring_links waiters_;
    std::size_t owners_ = 1;
    state state_ = state::idle;
    bool is_woken_ = false;  // while polling
};

namespace {

constexpr waker_table shared_table = {
    .clone = [](void* data) noexcept { static_cast<shared_block*>(data)->count(); },
    .wake = [](void* data) noexcept { static_cast<shared_block*>(data)->wake(); },
    .wake_and_drop =
        [](void* data) noexcept {
            static_cast<shared_block*>(data)->wake();
            static_cast<shared_block*>(data)->drop();
        },
    .drop = [](void* data) noexcept { static_cast<shared_block*>(data)->drop(); },
    .identity = [](const void* data) noexcept { return data; },
};

}  // namespace

// --- owners ----------------------------------------------------------------------------------------------------------

shared_owner::shared_owner(std::size_t bytes, std::size_t alignment) : block_(shared_block::make(bytes, alignment)) {}

shared_owner::shared_owner(const shared_owner& other) noexcept : block_(other.block_), is_counted_(false) {
    if (block_ == nullptr) return;
    block_->count();
    const std::lock_guard guard(block_->lock());
    is_counted_ = block_->count_owner();
}

shared_owner::shared_owner(shared_owner&& other) noexcept { take_over(other); }

shared_owner& shared_owner::operator=(shared_owner&& other) noexcept {
    if (block_ != nullptr) block_->drop();
    take_over(other);
    return *this;
}

shared_owner::~shared_owner() {
    if (block_ != nullptr) block_->drop();
}

void shared_owner::take_over(shared_owner& other) noexcept {
    block_ = std::exchange(other.block_, nullptr);
    is_counted_ = std::exchange(other.is_counted_, false);
    has_waited_ = std::exchange(other.has_waited_, false);
    if (!has_waited_) return;
    const std::lock_guard guard(block_->lock());
    if (other.is_alone()) return;
    replace(other);
    waker_ = std::move(other.waker_);
}

void* shared_owner::place() const noexcept { return block_->place(); }

waker shared_owner::uncounted() const noexcept { return waker(block_, &shared_table); }

waker shared_owner::take_first(ring_links& list) noexcept {
    auto& owner = static_cast<shared_owner&>(list.first());
    owner.leave_list();
    return std::move(owner.waker_);
}

shared_turn shared_owner::begin(const waker& to_wake) noexcept {
    {
        const std::lock_guard guard(block_->lock());
        const shared_turn turn = block_->begin();
        if (turn != shared_turn::wait || (!is_alone() && waker_.will_wake(to_wake))) return turn;
    }
    waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
    const std::lock_guard guard(block_->lock());
    const shared_turn turn = block_->begin();
    if (turn != shared_turn::wait) return turn;
    std::swap(waker_, other);
    has_waited_ = true;
    block_->enter(*this);
    return turn;
}

void shared_owner::end_pending(const waker& to_wake) noexcept {
    waker other = to_wake;  // in the end the replaced one, dropped after the lock was given back
    ring_links woken;
    {
        const std::lock_guard guard(block_->lock());
        std::swap(waker_, other);
        has_waited_ = true;
        block_->enter(*this);
        block_->end_pending(woken);
        if (woken.is_alone()) return;
    }
    block_->wake_all(woken);
}

void shared_owner::end_ready() noexcept {
    waker dropped;  // after the lock was given back
    ring_links woken;
    {
        const std::lock_guard guard(block_->lock());
        leave_list();
        std::swap(waker_, dropped);
        block_->end_ready(woken);
        if (woken.is_alone()) return;
    }
    block_->wake_all(woken);
}

bool shared_owner::leave_if_last() noexcept {
    const std::lock_guard guard(block_->lock());
    if (!block_->has_one_owner()) return false;
    is_counted_ = false;
    return block_->drop_owner();
}

bool shared_owner::leave() noexcept {
    if (block_ == nullptr || !(is_counted_ || has_waited_)) return false;
    waker dropped;  // after the lock was given back
    const std::lock_guard guard(block_->lock());
    leave_list();
    std::swap(waker_, dropped);
    return std::exchange(is_counted_, false) && block_->drop_owner();
}

}  // namespace pollux::inline v0::detail

// SPDX-License-Identifier: MIT
// semaphore: a number of permits that tasks and threads take and give back. The line of those who wait, and the proofs, stand
// in sync/permit_queue.hpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/sync/disconnected.hpp"
#include "pollux/sync/permit_queue.hpp"
#include "pollux/sync/permit_wait.hpp"

namespace pollux::inline v0::sync {

class semaphore;

}  // namespace pollux::inline v0::sync

namespace pollux::inline v0::detail {

struct permits_of;
template <class Ref>
class acquire_future;

/// Permits that were taken from a semaphore, and are given back when this is destroyed. Move-only; one that was moved from
/// holds nothing. `Ref` is a pointer, or a std::shared_ptr that keeps the semaphore.
///
/// Threads: as any object, one at a time; it may be destroyed on any.
/// Cost: giving back is one read-modify-write if nobody waits, else a short lock and the wakers of those who can go on.
template <class Ref>
class [[nodiscard]] semaphore_permit {
public:
    semaphore_permit(semaphore_permit&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), count_(std::exchange(other.count_, 0)) {}
    /// Gives back what it held before.
    semaphore_permit& operator=(semaphore_permit other) noexcept {
        std::swap(from_, other.from_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~semaphore_permit();

    /// The permits are gone for good: the semaphore has so many less.
    void forget() noexcept { from_ = nullptr; }

private:
    friend sync::semaphore;
    friend acquire_future<Ref>;

    semaphore_permit(Ref from, std::size_t count) noexcept : from_(std::move(from)), count_(count) {}

    Ref from_;
    std::size_t count_;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync {

/// Permits that are taken, by any task or thread, and given back, by the same or another. Who waits is served in the order of
/// the first polls, also before a later one that wants fewer; nobody is overtaken. Works under any executor and without one.
///
/// It must outlive its futures, its permits and calls of close(). A call that gives permits back does not touch it any more
/// once who received them can know, unless it wakes more than eight: so it may be used to say that something is done, and then
/// be destroyed.
/// Threads: any, at the same time.
/// Cost: 32 bytes, no allocation. Taking and giving back is one read-modify-write while nobody waits.
/// Source: Tokio's semaphore; the protocol is argued in sync/permit_queue.hpp.
class semaphore {
public:
    using permit = detail::semaphore_permit<semaphore*>;
    using owned_permit = detail::semaphore_permit<std::shared_ptr<semaphore>>;

    /// `permits` may be 0. Throws: std::invalid_argument if they are more than max_permits().
    explicit semaphore(std::size_t permits) : queue_(checked(permits)) {}

    /// As many permits as one semaphore may have, whether they are at hand or taken: 2^61 - 1 where std::size_t has 64 bits.
    static constexpr std::size_t max_permits() noexcept { return queue::most_permits(); }

    /// A future of `n` permits. More than there will ever be: it waits until add_permits() or close().
    ///
    /// Errors: `disconnected` once close() was called, also while it waits. Throws: nothing.
    /// Cancel: dropping it gives up its place in the line; permits that it has been granted go to the next.
    /// Cost: no allocation, the waiter lives in the future. One read-modify-write if the permits are at hand and nobody waits,
    /// else a short lock in each poll.
    detail::acquire_future<semaphore*> acquire(std::size_t n = 1) noexcept;

    /// The same; future and permit keep the semaphore.
    static detail::acquire_future<std::shared_ptr<semaphore>> acquire_owned(std::shared_ptr<semaphore> from,
                                                                            std::size_t n = 1) noexcept;

    /// `n` permits if they are at hand, nobody waits, and it is not closed.
    std::optional<permit> try_acquire(std::size_t n = 1) noexcept {
        if (queue_.try_take(n) != detail::permit_answer::taken) return std::nullopt;
        return permit(this, n);
    }

    /// Gives it `n` more. Throws: std::invalid_argument if they and those at hand are more than max_permits(); those that are taken are
    /// not counted, so never give more than there may be.
    void add_permits(std::size_t n) {
        static_cast<void>(checked(n));
        static_cast<void>(checked(n + queue_.at_hand()));
        queue_.give_back(n);
    }

    /// How many try_acquire() could take at this moment; 0 if somebody waits. Closing does not change it.
    std::size_t available() const noexcept { return queue_.available(); }

    /// All who wait, and all who come, get `disconnected`. Permits that were granted stay so; what is given back is kept.
    void close() noexcept { queue_.close(); }
    bool is_closed() const noexcept { return queue_.is_closed(); }

private:
    friend detail::permits_of;
    using queue = detail::std_permit_queue;

    static std::size_t checked(std::size_t n) {
        if (n > max_permits())
            throw std::invalid_argument("pollux: semaphore: more than max_permits() permits; give fewer");
        return n;
    }

    queue queue_;
};

/// semaphore::acquire_owned, which see.
inline detail::acquire_future<std::shared_ptr<semaphore>> acquire_owned(std::shared_ptr<semaphore> from,
                                                                        std::size_t n = 1) noexcept;

}  // namespace pollux::inline v0::sync

namespace pollux::inline v0::detail {

struct permits_of {
    static std_permit_queue& queue(sync::semaphore& from) noexcept { return from.queue_; }
};

template <class Ref>
semaphore_permit<Ref>::~semaphore_permit() {
    if (from_ != nullptr) permits_of::queue(*from_).give_back(count_);
}

template <class Ref>
class [[nodiscard]] acquire_future {
public:
    using value_type = semaphore_permit<Ref>;
    using error_type = sync::disconnected;

    acquire_future(Ref from, std::size_t n) noexcept
        : from_(std::move(from)), count_(n), wait_(permits_of::queue(*from_), n) {}

    polled<value_type, error_type> poll(context& cx) noexcept {
        switch (wait_.poll(cx)) {
            case permit_answer::pending: break;
            case permit_answer::taken: return value_type(std::move(from_), count_);
            case permit_answer::closed: return std::unexpected(error_type());
        }
        return pending;
    }

private:
    Ref from_;  // above the wait, so destroyed after it
    std::size_t count_;
    permit_wait wait_;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync {

inline detail::acquire_future<semaphore*> semaphore::acquire(std::size_t n) noexcept { return {this, n}; }

inline detail::acquire_future<std::shared_ptr<semaphore>> semaphore::acquire_owned(std::shared_ptr<semaphore> from,
                                                                                   std::size_t n) noexcept {
    detail::debug_check(from != nullptr, "pollux: semaphore::acquire_owned: the pointer is null; give it a semaphore");
    return {std::move(from), n};
}

inline detail::acquire_future<std::shared_ptr<semaphore>> acquire_owned(std::shared_ptr<semaphore> from,
                                                                        std::size_t n) noexcept {
    return semaphore::acquire_owned(std::move(from), n);
}

}  // namespace pollux::inline v0::sync

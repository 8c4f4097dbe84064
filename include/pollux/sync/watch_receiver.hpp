// SPDX-License-Identifier: MIT
// The receiving end of a watch channel, and its futures.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/future/detail/until_over.hpp"
#include "pollux/sync/disconnected.hpp"
#include "pollux/sync/value_node.hpp"
#include "pollux/sync/watch_channel.hpp"

namespace pollux::inline v0::detail {

// Of the receiver that a future was made from: where it waits. The receiver may be moved meanwhile, not used and not dropped.
class watch_wait {
public:
    watch_wait(watch_channel* channel, watch_reader* reader) noexcept : channel_(channel), reader_(reader) {}
    watch_wait(watch_wait&& other) noexcept
        : channel_(other.channel_), reader_(other.reader_), has_waited_(std::exchange(other.has_waited_, false)) {}
    watch_wait& operator=(watch_wait&&) = delete;
    ~watch_wait() { end(); }

    watch_news poll(context& cx) noexcept {
        const auto news = channel_->look_or_wait(*reader_, cx.waker());
        has_waited_ = has_waited_ || news == watch_news::none;
        return news;
    }
    /// The newest value, which the receiver has seen then.
    watch_view see() noexcept {
        const auto view = channel_->newest();
        reader_->seen = view.version;
        return view;
    }
    void see_version() noexcept { reader_->seen = channel_->version(); }
    /// A future that is done does not need the receiver any more.
    void end() noexcept {
        if (std::exchange(has_waited_, false)) channel_->withdraw(*reader_);
    }
    /// Behind end(), in a debug build: the future is over.
    void forget() noexcept { channel_ = nullptr; }
    bool is_over() const noexcept { return channel_ == nullptr; }

private:
    watch_channel* channel_;  // null: over
    watch_reader* reader_;
    bool has_waited_ = false;
};

class [[nodiscard]] watch_changed_future {
public:
    using value_type = void;
    using error_type = sync::disconnected;

    explicit watch_changed_future(watch_wait wait) noexcept : wait_(std::move(wait)) {}

    polled<void, sync::disconnected> poll(context& cx) noexcept {
        debug_check(!wait_.is_over(),
                    "pollux: watch: changed() was polled after it was ready; poll a future to its end once");
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { wait_.forget(); });
    }

private:
    [[gnu::always_inline]] polled<void, sync::disconnected> advance(context& cx) noexcept {
        const auto news = wait_.poll(cx);
        if (news == watch_news::none || !cx.consume_budget()) return pending;
        wait_.end();
        if (news == watch_news::end) return std::unexpected(sync::disconnected());
        wait_.see_version();
        return polled<void, sync::disconnected>::ready();
    }

    watch_wait wait_;
};

template <class T, class Pred>
class [[nodiscard]] watch_wait_for_future {
public:
    using value_type = T;
    using error_type = sync::disconnected;

    watch_wait_for_future(watch_wait wait, Pred pred) : pred_(std::move(pred)), wait_(std::move(wait)) {}

    polled<T, sync::disconnected> poll(context& cx) {
        debug_check(!wait_.is_over(),
                    "pollux: watch: wait_for() was polled after it was ready or threw; poll a future to its end once");
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { wait_.forget(); });
    }

private:
    [[gnu::always_inline]] polled<T, sync::disconnected> advance(context& cx) {
        for (;;) {
            // The value at hand counts, also one that was seen before.
            const auto news = has_looked_ ? wait_.poll(cx) : watch_news::changed;
            if (news == watch_news::none || !cx.consume_budget()) return pending;
            wait_.end();
            if (news == watch_news::end) return std::unexpected(sync::disconnected());
            has_looked_ = true;
            const value_use<value_node, T> use(wait_.see().node);
            if (pred_(use.get())) return polled<T, sync::disconnected>::ready(use.take(false));
        }
    }

    [[no_unique_address]] Pred pred_;
    watch_wait wait_;
    bool has_looked_ = false;
};

}  // namespace pollux::inline v0::detail

namespace pollux::inline v0::sync::watch {

template <class T>
class sender;
template <class T>
class receiver;
template <class T>
std::pair<sender<T>, receiver<T>> channel(T first);

/// The receiving end: a stream of the newest value. Its first item is the value at hand, then one for each time that a newer one is there
/// when it is polled; values in between are skipped. It ends when all senders are gone and the last value was seen. A copy has seen what
/// this one has.
///
/// Threads: any; each object is used by one at a time, and has one waiting future at a time. It may be moved at any time.
/// Cancel: dropping it loses nothing for others.
/// Cost: an item is a copy of the value; and a short lock, not held while it is copied. A copy of the receiver is one allocation.
template <class T>
class [[nodiscard]] receiver {
public:
    using value_type = T;
    using error_type = never;

    receiver(const receiver& other) : channel_(other.channel_) {
        if (channel_ == nullptr) return;
        reader_ = std::make_unique<detail::watch_reader>(*other.reader_);
        channel_->add_owner();
    }
    receiver(receiver&& other) noexcept
        : channel_(std::exchange(other.channel_, nullptr)), reader_(std::move(other.reader_)) {}
    receiver& operator=(receiver other) noexcept {
        std::swap(channel_, other.channel_);
        std::swap(reader_, other.reader_);
        return *this;
    }
    ~receiver() {
        if (channel_ != nullptr) detail::watch_channel::drop_receiver(channel_, *reader_);
    }

    /// Throws: what copying the value throws; it counts as seen then. One that was moved from is at its end.
    polled<std::optional<T>> poll_next(context& cx) {
        using answer = polled<std::optional<T>>;
        auto news = detail::watch_news::end;
        if (channel_ != nullptr)
            news = reader_->is_first_due ? detail::watch_news::changed : channel_->look_or_wait(*reader_, cx.waker());
        if (news == detail::watch_news::none || !cx.consume_budget()) return pending;
        if (news == detail::watch_news::end) return answer::ready();
        reader_->is_first_due = false;
        const use newest(wait().see().node);
        return answer::ready(std::in_place, newest.take(false));
    }

    /// A copy of the newest value. It does not count as seen.
    ///
    /// Throws: what copying the value throws.
    T get() const {
        require();
        return use(channel_->newest().node).take(false);
    }

    /// A future that is ready once there is a value that this receiver has not seen; it counts as seen then. The value that the channel
    /// was made with, and the one at hand when this receiver was subscribed, count as seen.
    ///
    /// Errors: `disconnected` if all senders are gone and the last value was seen.
    /// Cancel: dropping it while it is pending loses nothing. The receiver outlives it.
    /// Cost: no allocation; a short lock in each poll.
    detail::watch_changed_future changed() noexcept {
        require();
        return detail::watch_changed_future(wait());
    }

    /// A future of a copy of the first value for which `pred` returns true, beginning with the one at hand; values in between may be
    /// skipped. What `pred` was asked about counts as seen.
    ///
    /// Errors: `disconnected` if all senders are gone and the last value does not do. Throws: what `pred` or copying throws.
    /// Threads: `pred` runs in the poll, outside of any lock, and is destroyed with the future.
    /// Cancel: dropping it while it is pending loses nothing. The receiver outlives it.
    template <class Pred>
    auto wait_for(Pred pred) {
        static_assert(std::is_invocable_r_v<bool, Pred&, const T&>,
                      "pollux: watch: wait_for: the callable does not take the value; it is called with a const T& and "
                      "returns a bool");
        require();
        return detail::watch_wait_for_future<T, Pred>(wait(), std::move(pred));
    }

private:
    friend sender<T>;
    friend std::pair<sender<T>, receiver> channel<T>(T);
    using use = detail::value_use<detail::value_node, T>;

    explicit receiver(detail::watch_channel* shared)
        : channel_(shared), reader_(std::make_unique<detail::watch_reader>(shared->version())) {
        channel_->add_owner();
    }

    detail::watch_wait wait() const noexcept { return {channel_, reader_.get()}; }
    void require() const noexcept {
        detail::debug_check(channel_ != nullptr,
                            "pollux: watch: a receiver was used after it was moved from; copy it instead");
    }

    detail::watch_channel* channel_;  // null: moved from
    std::unique_ptr<detail::watch_reader> reader_;
};

}  // namespace pollux::inline v0::sync::watch

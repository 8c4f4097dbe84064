// SPDX-License-Identifier: MIT
// A channel of one value that is always there: senders replace it, receivers see the newest. What the ends share stands in
// sync/watch_channel.hpp.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "pollux/core/polled.hpp"
#include "pollux/sync/value_node.hpp"
#include "pollux/sync/watch_channel.hpp"
#include "pollux/sync/watch_receiver.hpp"

namespace pollux::inline v0::sync::watch {

/// The sending end. Copies are senders, too; the receivers' streams end when all are gone.
///
/// Threads: any; each object is used by one at a time.
/// Cost: a copy is two read-modify-writes.
template <class T>
class sender {
public:
    sender(const sender& other) noexcept : channel_(other.channel_) {
        if (channel_ != nullptr) channel_->add_sender();
    }
    sender(sender&& other) noexcept : channel_(std::exchange(other.channel_, nullptr)) {}
    sender& operator=(sender other) noexcept {
        std::swap(channel_, other.channel_);
        return *this;
    }
    ~sender() {
        if (channel_ != nullptr) detail::watch_channel::drop_sender(channel_);
    }

    /// Makes `value` the newest, at once, and wakes who waits. It is stored also while there is no receiver.
    ///
    /// Throws: std::bad_alloc.
    /// Cost: one allocation, and a short lock, in which no value is destroyed; one wake-up for each receiver that waits.
    void send(T value) const {
        require();
        channel_->store(new node(std::move(value)));
    }

    /// Makes what `fn(T&)` turns a copy of the newest value into the newest. If another value is sent meanwhile `fn` is called again, for
    /// a copy of that: so no change is lost, and `fn` must not send on this channel itself.
    ///
    /// Throws: what `fn` or copying throws; nothing is changed then. std::bad_alloc.
    /// Threads: `fn` runs here, outside of any lock.
    /// Cost: a copy of the value, else as send().
    template <class Fn>
    void send_modify(Fn fn) const {
        static_assert(std::is_invocable_v<Fn&, T&>,
                      "pollux: watch: send_modify: the callable does not take the value; it is called with a T&");
        require();
        for (;;) {
            const auto before = channel_->newest();
            change changed{new_copy(before.node)};
            fn(changed.made->value);
            if (channel_->store_after(changed.made, before.version)) {
                changed.made = nullptr;
                return;
            }
        }
    }

    /// One more receiver. It has seen the value at hand, which is all the same its first item as a stream.
    ///
    /// Throws: std::bad_alloc. Cost: one allocation.
    receiver<T> subscribe() const {
        require();
        return receiver<T>(channel_);
    }

private:
    friend std::pair<sender, receiver<T>> channel<T>(T);
    using node = detail::node_of<detail::value_node, T>;

    struct change {
        node* made;
        ~change() {
            if (made != nullptr) made->drop();
        }
    };

    explicit sender(detail::watch_channel* shared) noexcept : channel_(shared) {}

    static node* new_copy(detail::value_node* of) {
        // Before the memory for the copy is asked for: if there is none, or copying throws, the use is given up all the same.
        const detail::value_use<detail::value_node, T> use(of);
        return new node(use.take(false));
    }
    void require() const noexcept {
        detail::debug_check(channel_ != nullptr,
                            "pollux: watch: a sender was used after it was moved from; copy it instead");
    }

    detail::watch_channel* channel_;  // null: moved from
};

/// A channel whose newest value is `first` until another is sent.
///
/// `auto [tx, rx] = sync::watch::channel<int>(0);`
/// Throws: std::bad_alloc.
/// Cost: three allocations: the channel, the receiver, the value; then one for each value.
/// Source: a value with a version, as in Tokio's watch; values are replaced and not locked.
template <class T>
std::pair<sender<T>, receiver<T>> channel(T first) {
    static_assert(std::is_object_v<T> && std::is_copy_constructible_v<T> && std::is_move_constructible_v<T>,
                  "pollux: watch::channel: the value is not a copyable object; each receiver gets copies, send a "
                  "std::shared_ptr");
    using node = detail::node_of<detail::value_node, T>;
    auto made = std::make_unique<node>(std::move(first));
    sender<T> tx(new detail::watch_channel(made.get()));
    static_cast<void>(made.release());
    receiver<T> rx(tx.channel_);
    return {std::move(tx), std::move(rx)};
}

}  // namespace pollux::inline v0::sync::watch

// SPDX-License-Identifier: MIT
// The word that the two ends of a oneshot channel share: who may touch the value and the two waker slots, and who frees
// the block that holds them all. Used by sync/oneshot.hpp only, which keeps the fields; calls nothing.
//
// Each end has three bits, which only it sets:
//   gone    it takes no further part in the transfer: the sender has sent, the receiver has closed, or it was dropped
//   waker   its slot holds a waker that the other end is to wake when it goes; cleared by this end only
//   done    it touches the block no more (never without gone)
// and the sender has one more, `value`, set together with its `gone`: the value is in its place.
//
// Claim 1: exactly one side ends up with the value. The sender writes it, then one exchange sets `value` and needs that
//   the receiver is not gone. It succeeds: the value is the receiver's, who takes it, or destroys it before it is done.
//   It fails: the receiver is gone and will never see `value`; the sender takes the value back.
// Claim 2: a slot is never written while the other end reads it. While the other end is not gone, an end with its waker
//   bit clear writes its slot, and with the bit set only reads it. The other end reads it once, after the exchange by
//   which it went, if that found the bit: then the count of the waker is its own, and it wakes it by that. To write again,
//   an end clears the bit first, which needs that the other is not gone; so the clearing stands before that exchange, which does
//   not find the bit, or fails. An end that publishes too late learns it from the same addition, and the other never looks again.
//   Once the other is gone, a slot whose bit was set in time is left alone.
// Claim 3: the block is freed once, by the end that finds the other done; that one has made its last access. No slot has a
//   waker then: the other end has taken it (claim 2), or an end that went first has emptied its own.
// No wake-up is lost: publishing and going are read-modify-writes of one word. The later of the two sees the earlier.
//
// Cost: a value sent before anybody waits and taken afterwards is one read-modify-write in all. With a receiver that
// waits it is four: publish, send, done, and the receiver's (or none, if the sender is done by then).
#pragma once

#include <atomic>
#include <cstdint>

namespace pollux::inline v0::detail {

/// What an end that went has to do, in this order.
struct [[nodiscard]] oneshot_leave {
    bool value_refused = false;  // sender: take the value back, it was never the receiver's
    bool value_owned = false;    // receiver: destroy the value
    bool wake_other = false;     // the waker in the other's slot is the own one now: wake it, after the last access
    bool empty_slot = false;     // empty the own slot
    bool must_finish = false;    // then call finish()
    bool free_block = false;     // free the block: the other is done
};

enum class oneshot_end { sender, receiver };

/// What try_send() has found.
enum class oneshot_sent { unnoticed, awaited, other };

template <class Sync>
class oneshot_state {
public:
    oneshot_state() noexcept = default;
    oneshot_state(const oneshot_state&) = delete;
    oneshot_state& operator=(const oneshot_state&) = delete;

    /// Whether the value has been sent, and not been taken.
    bool has_value() const noexcept {
        // Acquire: pairs with the release of try_send() and leave(): shows the value, or what came before an end without one.
        return (word_.load(std::memory_order::acquire) & value) != 0;
    }

    /// Whether neither end is gone.
    bool is_open() const noexcept {
        // Relaxed: a stale answer is found out by publish_waker().
        constexpr auto gone = own(oneshot_end::sender).gone | own(oneshot_end::receiver).gone;
        return (word_.load(std::memory_order::relaxed) & gone) == 0;
    }

    /// Whether the receiver refuses values.
    [[nodiscard]] bool is_closed() const noexcept {
        // Acquire: pairs with the release of close() and leave(): what the receiver did before is visible.
        return (word_.load(std::memory_order::acquire) & own(oneshot_end::receiver).gone) != 0;
    }

    /// Whether the own slot is published. While it is, it may be read and not be written.
    bool is_waker_published(oneshot_end end) const noexcept {
        // Relaxed: only this end writes its bit.
        return (word_.load(std::memory_order::relaxed) & own(end).waker) != 0;
    }

    /// Whether a slot was published, by what last_word() has given.
    static constexpr bool is_published(std::uint32_t word, oneshot_end end) noexcept {
        return (word & own(end).waker) != 0;
    }
    static constexpr bool is_any_published(std::uint32_t word) noexcept {
        return (word & (own(oneshot_end::sender).waker | own(oneshot_end::receiver).waker)) != 0;
    }
    /// Of who frees the block.
    std::uint32_t last_word() const noexcept {
        // Relaxed: nobody else is left to change it.
        return word_.load(std::memory_order::relaxed);
    }

    /// After the own slot was written. False: the other end is gone and will not wake anybody.
    [[nodiscard]] bool publish_waker(oneshot_end end) noexcept {
        // Release: the slot; pairs with the acquire of leave() and close(). Acquire: pairs with their release, if they
        // came first: shows the value.
        const auto seen = word_.fetch_add(own(end).waker, std::memory_order::acq_rel);
        if ((seen & other(end).gone) == 0) return true;
        // Relaxed: the other end has looked for this bit when it went, and looks for it no more.
        word_.fetch_sub(own(end).waker, std::memory_order::relaxed);
        return false;
    }

    /// Whether the other end is gone, so that the own slot, which was published in time, is its own.
    bool is_other_gone(oneshot_end end) const noexcept {
        // Acquire: as in has_value() and is_closed().
        return (word_.load(std::memory_order::acquire) & other(end).gone) != 0;
    }

    /// Before the own slot is written again. False: the other end is gone and may be reading the slot.
    [[nodiscard]] bool withdraw_waker(oneshot_end end) noexcept {
        auto seen = word_.load(std::memory_order::acquire);  // pairs with the release of leave(): shows the value
        for (;;) {
            if (seen & other(end).gone) return false;  // re-check: after each failed exchange
            // Relaxed: the other end has not touched the slot. Failure acquire: as for the load.
            if (word_.compare_exchange_weak(seen, seen & ~own(end).waker,
                                            std::memory_order::acquire,  // relaxed would do; g++ 12 warns of it
                                            std::memory_order::acquire)) {
                return true;
            }
        }
    }

    /// The receiver refuses values from now on, and stays. True: wake the sender's slot.
    [[nodiscard]] bool close() noexcept {
        // Acquire: the sender's slot, pairs with the release of publish_waker(). Release: what came before close(), for
        // the acquires of is_closed(), publish_waker() and leave().
        constexpr auto sender = own(oneshot_end::sender);
        constexpr auto receiver = own(oneshot_end::receiver);
        const auto seen = word_.fetch_or(receiver.gone, std::memory_order::acq_rel);
        return (seen & (sender.gone | sender.waker | receiver.gone)) == sender.waker;
    }

    /// The sender goes for good, with the value, as it does mostly: nobody waits yet and it touches the block no more, or the
    /// receiver waits: wake its slot, then finish(). Other: nothing was done, go on with leave_sender().
    [[gnu::always_inline]] oneshot_sent try_send() noexcept {
        constexpr auto sent = own(oneshot_end::sender).gone | value;
        constexpr auto waits = own(oneshot_end::receiver).waker;
        auto seen = word_.load(std::memory_order::relaxed);  // the exchange finds out
        // Release, acquire: as in leave(). A failure says nothing.
        if (seen == 0 && word_.compare_exchange_strong(seen, sent | own(oneshot_end::sender).done,
                                                       std::memory_order::release, std::memory_order::relaxed))
            return oneshot_sent::unnoticed;
        if (seen == waits &&
            word_.compare_exchange_strong(seen, waits | sent, std::memory_order::acq_rel, std::memory_order::relaxed))
            return oneshot_sent::awaited;
        return oneshot_sent::other;
    }
    /// After the value was taken. True: free the block. False: nothing was done, go on with leave_receiver().
    [[gnu::always_inline]] bool is_sender_done() const noexcept {
        // Acquire: pairs with the release of finish() and leave(): the sender has left the block.
        return (word_.load(std::memory_order::acquire) & own(oneshot_end::sender).done) != 0;
    }

    /// The sender goes for good. `with_value`: it has written the value.
    [[gnu::always_inline]] oneshot_leave leave_sender(bool with_value) noexcept {
        return leave(oneshot_end::sender, with_value);
    }

    /// The receiver goes for good. `is_taken`: it has moved the value out.
    [[gnu::always_inline]] oneshot_leave leave_receiver(bool is_taken) noexcept {
        return leave(oneshot_end::receiver, is_taken);
    }

    /// The last access of an end whose leave(), or try_send(), asked for it. True: free the block.
    [[nodiscard]] bool finish(oneshot_end end) noexcept {
        // Release: this end's accesses come before the block is freed. Acquire: the other's do. Pairs with the other's finish(), leave()
        // and try_send(), and with is_sender_done().
        // An addition sets the bit, which only this end does, and once; x86-64 has no fetch_or that gives the other bits.
        const auto seen = word_.fetch_add(own(end).done, std::memory_order::acq_rel);
        return (seen & other(end).done) != 0;
    }

private:
    struct bits {
        std::uint32_t gone;
        std::uint32_t waker;
        std::uint32_t done;
    };
    static constexpr std::uint32_t value = 64;

    // Functions, not constants: a static constant of a template would be a symbol in every user's program.
    static constexpr bits own(oneshot_end end) noexcept {
        return end == oneshot_end::sender ? bits{1, 2, 4} : bits{8, 16, 32};
    }
    static constexpr bits other(oneshot_end end) noexcept {
        return own(end == oneshot_end::sender ? oneshot_end::receiver : oneshot_end::sender);
    }

    // flag: sender: the value has been written. Receiver: it has been taken.
    // Inlined where both are known: a third of it is left.
    [[gnu::always_inline]] oneshot_leave leave(oneshot_end end, bool flag) noexcept {
        const bool with_value = end == oneshot_end::sender && flag;
        const bool value_left = end == oneshot_end::receiver && !flag;
        // Acquire: pairs with the release of finish() and leave(): the other end has left the block, or written the
        // value.
        auto seen = word_.load(std::memory_order::acquire);
        for (;;) {
            oneshot_leave todo;
            const bool other_gone = (seen & other(end).gone) != 0;
            todo.value_refused = with_value && other_gone;
            todo.value_owned = value_left && (seen & value) != 0;
            if (seen & other(end).done) {
                todo.free_block = true;  // nobody else is left to change the word
                return todo;
            }
            todo.wake_other = (seen & other(end).waker) != 0 && (seen & own(end).gone) == 0;
            todo.empty_slot = (seen & own(end).waker) != 0 && !other_gone;
            todo.must_finish = todo.value_refused || todo.value_owned || todo.wake_other || todo.empty_slot;
            auto next = seen | own(end).gone;
            if (with_value && !other_gone) next |= value;
            if (todo.empty_slot) next &= ~own(end).waker;
            if (!todo.must_finish) next |= own(end).done;
            // Release: the value, and this end's accesses to the block. Acquire: as for the load; the word may be as
            // `seen` again after the other end has withdrawn its waker and published another. Failure likewise.
            if (word_.compare_exchange_weak(seen, next, std::memory_order::acq_rel, std::memory_order::acquire)) {
                return todo;
            }
        }
    }

    typename Sync::template atomic<std::uint32_t> word_{0};
};

}  // namespace pollux::inline v0::detail
